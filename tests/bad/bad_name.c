/* bad_name.c - a name that no config could write. */
#include "decides.h"

SY_PLUGIN(SY_POLICY, "Bad Name", struct broken, .ops = &ops, .doc = "a name with a blank");
