/* memory.h - blocks that live and die together: everything a graph consists of. */
#ifndef SY_GRAPH_MEMORY_H
#define SY_GRAPH_MEMORY_H

#include <stddef.h>

struct sy_graph_memory;

/* NULL when memory is used up. */
struct sy_graph_memory *sy_graph_memory_create(void);
void sy_graph_memory_destroy(struct sy_graph_memory *memory); /* NULL is fine */

/* `count` zeroed elements of `bytes` each; NULL when memory is used up. At least one byte, so never NULL for 0. */
void *sy_graph_memory_take(struct sy_graph_memory *memory, size_t count, size_t bytes);
/* A copy of a text. */
char *sy_graph_memory_text(struct sy_graph_memory *memory, const char *text);

#endif
