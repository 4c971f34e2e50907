/* listing.h - which images Tiny-ImageNet's folder has, and of which class: the layout of the authors' zip file.
 *
 *   wnids.txt                       a class a line
 *   words.txt                       "n02124075\tEgyptian cat", for the classes' names; may be missing
 *   train/WNID/images/              files .JPEG
 *   val/images/, val/val_annotations.txt   "val_0.JPEG\tWNID\t..."
 *
 * Classes and files are in the order of their names, as torchvision's ImageFolder has them. */
#ifndef TINY_IMAGENET_LISTING_H
#define TINY_IMAGENET_LISTING_H

#include <stdbool.h>

#include <switchyard/dataset.h>

struct listed_image {
    char *path;    /* relative to the folder */
    int32_t class; /* 0 .. n_classes-1 */
};

struct listing {
    char **wnids; /* n_classes, sorted */
    char **names; /* of the classes: the first word of words.txt's list, or the wnid */
    int32_t n_classes;
    struct listed_image *images[SY_SPLITS];
    int64_t count[SY_SPLITS];
    uint64_t checksum; /* XXH3 of all paths and classes, in order */
};

/* All zeros, or whole. */
int listing_read(struct listing *listing, const char *folder, struct sy_error *err);
void listing_finish(struct listing *listing);

#endif
