/* Tiny-ImageNet's folder: wnids.txt, words.txt, val_annotations.txt and a JPEG file, in parts. What is accepted lists files
 * below the folder with classes in range, and reads into the room it was given. */

#include <switchyard/dataset.h>
#include <switchyard/plugin.h>

#include "parts.h"
#include "tiny_imagenet/listing.h"

enum { BYTES = 3 * 64 * 64, GUARD = 64 };

/* What the data set's plugin hands to the program. */
extern const struct sy_plugin *const sy_plugins_1[];

static void prepare(void) {
    static const char *const folders[] = {"train", "train/n01", "train/n01/images", "train/n02", "train/n02/images",
                                          "val",   "val/images"};
    static int prepared;
    if (!prepared) {
        for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
            make_folder(folders[i]);
        }
        prepared = 1;
    }
}

/* "val/images/..", say, would be outside. */
static int is_inside(const char *path) {
    return path[0] != '/' && !strstr(path, "/../") && strncmp(path, "../", 3) != 0;
}

static void expect_split(const struct sy_dataset_ops *ops, const void *self, int32_t split, int32_t classes,
                         int64_t samples) {
    static uint8_t room[BYTES + GUARD];
    struct sy_error err = {.size = sizeof err};
    for (int64_t i = 0; i < samples && i < 4; i++) {
        int32_t label = -1, alone = -1;
        memset(room, 0xAA, sizeof room);
        EXPECT(ops->labels(self, split, &i, 1, &alone, &err) == SY_OK && alone >= 0 && alone < classes);
        if (ops->read(self, split, &i, 1, room, &label, &err) == SY_OK) {
            EXPECT(label == alone);
        } else {
            EXPECT(err.text[0] && !strchr(err.text, '\n'));
        }
        for (size_t g = 0; g < GUARD; g++) {
            EXPECT(room[BYTES + g] == 0xAA);
        }
    }
}

static void expect_listing(void) {
    struct listing listing;
    struct sy_error err = {.size = sizeof err};
    if (listing_read(&listing, scratch_folder(), &err) != SY_OK) {
        EXPECT(!listing.wnids && err.text[0] && !strchr(err.text, '\n'));
        return;
    }
    for (int32_t split = 0; split < SY_SPLITS; split++) {
        for (int64_t i = 0; i < listing.count[split]; i++) {
            const struct listed_image *image = &listing.images[split][i];
            EXPECT(image->class >= 0 && image->class < listing.n_classes && is_inside(image->path));
        }
    }
    listing_finish(&listing);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    const struct sy_plugin *plugin = sy_plugins_1[0];
    const struct sy_dataset_ops *ops = plugin->ops;
    struct sy_dataset_info info = {.size = sizeof info};
    struct sy_error err = {.size = sizeof err};
    prepare();
    write_part("wnids.txt", next_part(&bytes, &count, 0));
    write_part("words.txt", next_part(&bytes, &count, 0));
    write_part("val/val_annotations.txt", next_part(&bytes, &count, 0));
    struct part image = next_part(&bytes, &count, 1);
    write_part("train/n01/images/a.JPEG", image);
    write_part("train/n02/images/b.JPEG", image);
    write_part("val/images/v.JPEG", image);
    expect_listing();
    /* the plugin's own memory: a path, then what it keeps */
    void *self = calloc(1, plugin->self_size);
    EXPECT(self);
    *(const char **)self = scratch_folder();
    if (ops->open(self, NULL, &err) == SY_OK) {
        EXPECT(ops->info(self, &info) == SY_OK && info.classes > 1);
        for (int32_t split = 0; split < SY_SPLITS; split++) {
            expect_split(ops, self, split, info.classes, info.count[split]);
        }
        ops->close(self);
    }
    free(self);
    return 0;
}
