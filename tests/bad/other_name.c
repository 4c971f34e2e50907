/* other_name.c - a plugin that is not called like its file. */
#include "decides.h"

SY_PLUGIN(SY_POLICY, "another_name", struct broken, .ops = &ops, .doc = "not named after its file");
