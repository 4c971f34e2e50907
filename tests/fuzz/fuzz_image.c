/* Pictures for `predict`: what is accepted fills the network's shape to its last byte, and no byte behind it; the same
 * file gives the same pixels again. The first byte chooses shape and channels. */
#include "data/image.h"
#include "target.h"

enum { MOST = 3 * 64 * 64, GUARD = 64 };

static int read_into(uint8_t *room, uint8_t filler, const char *path, const struct sy_shape *shape,
                     struct sy_error *err) {
    size_t pixels = (size_t)shape->dim[0] * (size_t)shape->dim[1] * (size_t)shape->dim[2];
    memset(room, filler, MOST + GUARD);
    int status = sy_image_read(room, path, shape, err);
    for (size_t i = pixels; i < MOST + GUARD; i++) {
        EXPECT(room[i] == filler);
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const struct sy_shape shapes[] = {
        {.rank = 3, .dim = {3, 32, 32}}, {.rank = 3, .dim = {1, 28, 28}}, {.rank = 3, .dim = {3, 64, 64}},
        {.rank = 3, .dim = {3, 1, 9}},   {.rank = 3, .dim = {2, 8, 8}},
    };
    static uint8_t once[MOST + GUARD], twice[MOST + GUARD];
    struct sy_error err = {.size = sizeof err};
    char path[64];
    if (!count) {
        return 0;
    }
    const struct sy_shape *shape = &shapes[bytes[0] % (sizeof shapes / sizeof *shapes)];
    size_t pixels = (size_t)shape->dim[0] * (size_t)shape->dim[1] * (size_t)shape->dim[2];
    int fd = memory_file(path, bytes + 1, count - 1);
    int status = read_into(once, 0x00, path, shape, &err);
    if (status == SY_OK) {
        EXPECT(read_into(twice, 0xFF, path, shape, &err) == SY_OK && !memcmp(once, twice, pixels));
    } else {
        EXPECT(err.code == status && err.text[0] && !strchr(err.text, '\n'));
    }
    close(fd);
    return 0;
}
