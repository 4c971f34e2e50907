/* wrong_kind.c - of a kind that does not exist, or not yet. */
#include "decides.h"

SY_PLUGIN("policy/9", "wrong_kind", struct broken, .ops = &ops, .doc = "of a later kind");
