/* list_abi.h - what `switchyard list --abi` says: the border as this program knows it, and as each plugin was built. */
#ifndef SY_CLI_LIST_ABI_H
#define SY_CLI_LIST_ABI_H

#include "../host/plugins.h"

/* kind NULL: all. A program's exit code. */
int sy_list_abi(struct sy_registry *registry, const char *kind);

#endif
