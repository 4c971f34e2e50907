/* no_symbol.c - a shared object, but no plugin. */
#include <switchyard/plugin.h>

SY_EXPORT extern const int sy_something_else;
const int sy_something_else = 1;
