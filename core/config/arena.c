/* arena.c - memory that is all freed at once. */
#include <stdlib.h>
#include <string.h>

#include "fields.h"

struct block {
    struct block *next;
    max_align_t data[];
};

struct sy_arena {
    struct block *blocks;
    bool was_short;
};

struct sy_arena *sy_arena_create(void) {
    return calloc(1, sizeof(struct sy_arena));
}

void sy_arena_destroy(struct sy_arena *arena) {
    if (!arena) {
        return;
    }
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void *sy_arena_take(struct sy_arena *arena, size_t bytes) {
    /* One block a piece, so that the address sanitizer sees every overrun; configurations are small. */
    struct block *block = bytes < SIZE_MAX - sizeof *block ? calloc(1, sizeof *block + bytes) : NULL;
    if (!block) {
        arena->was_short = true;
        return NULL;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    return block->data;
}

bool sy_arena_was_short(const struct sy_arena *arena) {
    return arena->was_short;
}

void sy_arena_note_short(struct sy_arena *arena) {
    arena->was_short = true;
}

char *sy_arena_text(struct sy_arena *arena, const char *text) {
    size_t room = strlen(text) + 1;
    char *copy = sy_arena_take(arena, room);
    return copy ? memcpy(copy, text, room) : NULL;
}
