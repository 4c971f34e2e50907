/* The model card in a file of weights: what is accepted has an image that a network could look at, as many names and
 * numbers as it says, and numbers that are finite. */
#include <math.h>

#include "config/fields.h"
#include "target.h"
#include "train/model_card.h"

static void expect_card(const struct sy_model_card *card) {
    EXPECT(card->network && card->image.rank == 3 && card->classes >= 2);
    for (int i = 0; i < 3; i++) {
        EXPECT(card->image.dim[i] > 0);
    }
    for (int32_t c = 0; card->class_names && c < card->classes; c++) {
        EXPECT(card->class_names[c] && strlen(card->class_names[c]) < SIZE_MAX);
    }
    const struct sy_doubles *lists[] = {&card->mean, &card->std};
    for (size_t l = 0; l < 2; l++) {
        EXPECT(!lists[l]->count || lists[l]->count == (size_t)card->image.dim[0]);
        for (size_t i = 0; i < lists[l]->count; i++) {
            EXPECT(isfinite(lists[l]->at[i]) && (l == 0 || lists[l]->at[i] > 0));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct sy_safetensors *file;
    struct sy_model_card card;
    struct sy_error err = {.size = sizeof err};
    /* the header's length is made right: fuzz_safetensors is about that */
    uint64_t length = count;
    uint8_t *whole = malloc(count + sizeof length);
    char path[64];
    EXPECT(whole);
    memcpy(whole, &length, sizeof length);
    memcpy(whole + sizeof length, bytes, count);
    int fd = memory_file(path, whole, count + sizeof length);
    free(whole);
    if (sy_safetensors_open(&file, path, &err) == SY_OK) {
        struct sy_arena *arena = sy_arena_create();
        EXPECT(arena);
        int status = sy_model_card_read(&card, file, path, arena, &err);
        if (status == SY_OK) {
            expect_card(&card);
        } else {
            EXPECT(err.code == status && strstr(err.text, path) && !strchr(err.text, '\n'));
        }
        sy_arena_destroy(arena);
        sy_safetensors_close(file);
    }
    close(fd);
    return 0;
}
