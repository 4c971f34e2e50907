/* text.c - whole files, as far as they are text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "includes.h"

#define MOST_BYTES ((size_t)64 << 20) /* a config is written by people */

char *sy_read_text(const char *path) {
    size_t used = 0, room = 4096;
    int error = 0;
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(room) : NULL;
    if (!text) {
        error = errno;
        goto failed;
    }
    /* Until the end, not by its size: a pipe, as a shell's <(...) makes, has none. */
    for (;;) {
        used += fread(text + used, 1, room - used - 1, file);
        if (used + 1 < room) {
            break;
        }
        char *longer = room <= MOST_BYTES ? realloc(text, 2 * room) : NULL;
        if (!longer) {
            error = room <= MOST_BYTES ? ENOMEM : EFBIG;
            goto failed;
        }
        text = longer;
        room *= 2;
    }
    if (ferror(file)) {
        error = errno;
        goto failed;
    }
    if (memchr(text, 0, used)) {
        error = EILSEQ;
        goto failed;
    }
    text[used] = 0;
    fclose(file);
    return text;
failed:
    free(text);
    if (file) {
        fclose(file);
    }
    errno = error;
    return NULL;
}

const char *sy_read_text_error(int error) {
    return error == EILSEQ ? "it has zero bytes, so it is no text file" : strerror(error);
}
