/* listing.c - see listing.h. */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const char *const hint =
    "path must be the folder tiny-imagenet-200 of the authors' tiny-imagenet-200.zip, unpacked";

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct listed_image *)a)->path, ((const struct listed_image *)b)->path);
}

static FILE *open_text(const char *folder, const char *name, struct sy_error *err) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file) {
        sy_fail(err, SY_EIO, "%s: %s; %s", path, strerror(errno), hint);
    }
    return file;
}

static int no_memory(struct sy_error *err) {
    return sy_fail(err, SY_ENOMEM, "no memory to list the images");
}

/* Whether a name from a list can be one of a file or folder here: a list must not lead anywhere else. */
static bool is_plain(const char *name) {
    return name[0] != '\0' && name[0] != '.' && !strchr(name, '/');
}

/* Index of a class, -1 if there is none of that name. */
static int32_t find_class(const struct listing *listing, const char *wnid) {
    char *const *found =
        listing->n_classes ? bsearch(&wnid, listing->wnids, (size_t)listing->n_classes, sizeof *listing->wnids, by_text)
                           : NULL;
    return found ? (int32_t)(found - listing->wnids) : -1;
}

static int read_classes(struct listing *listing, const char *folder, struct sy_error *err) {
    char line[1024];
    int status = SY_OK;
    FILE *file = open_text(folder, "wnids.txt", err);
    if (!file) {
        return err->code;
    }
    while (status == SY_OK && fgets(line, sizeof line, file)) {
        line[strcspn(line, " \t\r\n")] = 0;
        if (*line && !is_plain(line)) {
            status =
                sy_fail(err, SY_EINVAL, "%s/wnids.txt: \"%s\" is no name of a class's folder; %s", folder, line, hint);
            break;
        }
        char **wnids = *line ? realloc(listing->wnids, ((size_t)listing->n_classes + 1) * sizeof *wnids) : NULL;
        listing->wnids = wnids ? wnids : listing->wnids;
        if (*line && (!wnids || !(wnids[listing->n_classes] = strdup(line)))) {
            status = no_memory(err);
        } else if (*line) {
            listing->n_classes++;
        }
    }
    fclose(file);
    if (status == SY_OK && listing->n_classes < 2) {
        return sy_fail(err, SY_EINVAL, "%s/wnids.txt names %d classes; %s", folder, listing->n_classes, hint);
    }
    if (status == SY_OK) {
        qsort(listing->wnids, (size_t)listing->n_classes, sizeof *listing->wnids, by_text);
    }
    return status;
}

/* Names for people; a missing words.txt leaves the wnids. */
static int read_names(struct listing *listing, const char *folder, struct sy_error *err) {
    struct sy_error ignored = {.size = sizeof ignored};
    char line[1024];
    FILE *file = open_text(folder, "words.txt", &ignored);
    listing->names = calloc((size_t)listing->n_classes, sizeof *listing->names);
    bool good = listing->names != NULL;
    while (good && file && fgets(line, sizeof line, file)) {
        char *tab = strchr(line, '\t');
        if (tab) {
            *tab = 0;
        }
        int32_t class = tab ? find_class(listing, line) : -1;
        if (class >= 0 && !listing->names[class]) {
            tab[1 + strcspn(tab + 1, ",\r\n")] = 0;
            good = (listing->names[class] = strdup(tab + 1)) != NULL;
        }
    }
    for (int32_t c = 0; good && c < listing->n_classes; c++) {
        good = listing->names[c] || (listing->names[c] = strdup(listing->wnids[c]));
    }
    if (file) {
        fclose(file);
    }
    return good ? SY_OK : no_memory(err);
}

/* `room` is how many fit; doubled as needed. */
static int add_image(struct listing *listing, int32_t split, size_t *room, const char *path, int32_t class,
                     struct sy_error *err) {
    size_t count = (size_t)listing->count[split];
    if (count == *room) {
        size_t more = *room ? 2 * *room : 512;
        struct listed_image *images = realloc(listing->images[split], more * sizeof *images);
        if (!images) {
            return no_memory(err);
        }
        listing->images[split] = images;
        *room = more;
    }
    char *copy = strdup(path);
    if (!copy) {
        return no_memory(err);
    }
    listing->images[split][count] = (struct listed_image){copy, class};
    listing->count[split]++;
    return SY_OK;
}

static bool is_jpeg(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (!strcmp(dot, ".JPEG") || !strcmp(dot, ".jpg"));
}

static int read_train(struct listing *listing, const char *folder, struct sy_error *err) {
    size_t room = 0;
    int status = SY_OK;
    for (int32_t c = 0; c < listing->n_classes && status == SY_OK; c++) {
        char path[PATH_MAX], inside[600];
        int64_t before = listing->count[SY_TRAIN_SPLIT];
        snprintf(inside, sizeof inside, "train/%s/images", listing->wnids[c]);
        snprintf(path, sizeof path, "%s/%s", folder, inside);
        DIR *directory = opendir(path);
        if (!directory) {
            return sy_fail(err, SY_EIO, "%s: %s; %s", path, strerror(errno), hint);
        }
        for (const struct dirent *entry; status == SY_OK && (entry = readdir(directory));) {
            if (is_jpeg(entry->d_name)) {
                snprintf(path, sizeof path, "%s/%s", inside, entry->d_name);
                status = add_image(listing, SY_TRAIN_SPLIT, &room, path, c, err);
            }
        }
        closedir(directory);
        if (status == SY_OK && listing->count[SY_TRAIN_SPLIT] == before) {
            status = sy_fail(err, SY_EINVAL, "%s/%s has no .JPEG file; %s", folder, inside, hint);
        }
    }
    return status;
}

static int read_val(struct listing *listing, const char *folder, struct sy_error *err) {
    static const char annotations[] = "val/val_annotations.txt";
    char line[1024], path[1100];
    size_t room = 0;
    int status = SY_OK, number = 0;
    FILE *file = open_text(folder, annotations, err);
    if (!file) {
        return err->code;
    }
    while (status == SY_OK && fgets(line, sizeof line, file)) {
        char *wnid = strchr(line, '\t');
        number++;
        if (wnid) {
            *wnid++ = 0;
            wnid[strcspn(wnid, "\t\r\n")] = 0;
        }
        int32_t class = wnid ? find_class(listing, wnid) : -1;
        if (class < 0) {
            status = sy_fail(err, SY_EINVAL, "%s/%s:%d: \"%s\" is no class of wnids.txt", folder, annotations, number,
                             wnid ? wnid : "");
        } else if (!is_plain(line)) {
            status = sy_fail(err, SY_EINVAL, "%s/%s:%d: \"%s\" is no name of a file in val/images", folder, annotations,
                             number, line);
        } else {
            snprintf(path, sizeof path, "val/images/%s", line);
            status = add_image(listing, SY_TEST_SPLIT, &room, path, class, err);
        }
    }
    fclose(file);
    return status;
}

int listing_read(struct listing *listing, const char *folder, struct sy_error *err) {
    *listing = (struct listing){0};
    int status = read_classes(listing, folder, err);
    status = status == SY_OK ? read_names(listing, folder, err) : status;
    status = status == SY_OK ? read_train(listing, folder, err) : status;
    status = status == SY_OK ? read_val(listing, folder, err) : status;
    for (int32_t split = 0; split < SY_SPLITS && status == SY_OK; split++) {
        if (listing->count[split]) {
            qsort(listing->images[split], (size_t)listing->count[split], sizeof *listing->images[split], by_path);
        }
        for (int64_t i = 0; i < listing->count[split]; i++) {
            const struct listed_image *image = &listing->images[split][i];
            listing->checksum =
                XXH3_64bits_withSeed(image->path, strlen(image->path), listing->checksum + (uint64_t)image->class);
        }
    }
    if (status != SY_OK) {
        listing_finish(listing);
    }
    return status;
}

void listing_finish(struct listing *listing) {
    for (int32_t c = 0; c < listing->n_classes; c++) {
        free(listing->wnids[c]);
        if (listing->names) {
            free(listing->names[c]);
        }
    }
    free(listing->wnids);
    free(listing->names);
    for (int32_t split = 0; split < SY_SPLITS; split++) {
        for (int64_t i = 0; i < listing->count[split]; i++) {
            free(listing->images[split][i].path);
        }
        free(listing->images[split]);
    }
    *listing = (struct listing){0};
}
