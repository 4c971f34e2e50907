/* image.h - one picture from a file, as the samples of a data set are stored: for `switchyard predict`. */
#ifndef SY_DATA_IMAGE_H
#define SY_DATA_IMAGE_H

#include <stdint.h>

#include <switchyard/error.h>
#include <switchyard/graph.h>

/* "PNG, JPEG": the formats that this build reads, or "none". */
const char *sy_image_formats(void);

/* Reads a PNG or JPEG file into `out`: (channels, height, width) bytes of `shape`, 1 channel (grey) or 3 (red, green,
 * blue), transparency over black. A picture of another size is cut to the shape's proportions about its centre, then
 * resized (Mitchell's and Catmull-Rom's filters, stb_image_resize). SY_EIO where the file cannot be read, SY_EINVAL
 * where it is damaged or larger than 32768 pixels a side or 100 million in all, SY_ENOTSUP where it is of another format
 * or this build cannot do it. [any] */
int sy_image_read(uint8_t *out, const char *path, const struct sy_shape *shape, struct sy_error *err);

#endif
