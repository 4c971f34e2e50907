/* memory.c - one malloc per block, so that a sanitizer sees an overrun of any of them. */
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct sy_graph_memory {
    struct block *blocks;
};

struct sy_graph_memory *sy_graph_memory_create(void) {
    return calloc(1, sizeof(struct sy_graph_memory));
}

void sy_graph_memory_destroy(struct sy_graph_memory *memory) {
    if (!memory) {
        return;
    }
    for (struct block *block = memory->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(memory);
}

void *sy_graph_memory_take(struct sy_graph_memory *memory, size_t count, size_t bytes) {
    if (bytes && count > (SIZE_MAX - sizeof(struct block)) / bytes) {
        return NULL;
    }
    size_t total = count * bytes;
    struct block *block = calloc(1, sizeof *block + (total ? total : 1));
    if (!block) {
        return NULL;
    }
    block->next = memory->blocks;
    memory->blocks = block;
    return block->bytes;
}

char *sy_graph_memory_text(struct sy_graph_memory *memory, const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = sy_graph_memory_take(memory, bytes, 1);
    if (copy) {
        memcpy(copy, text, bytes);
    }
    return copy;
}
