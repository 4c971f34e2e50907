/* Safetensors: what is accepted holds all bytes of its file, in order, in tensors of matching size; what is refused gets
 * one line that names the file. */
#include "record/safetensors.h"
#include "target.h"

static void expect_whole(const struct sy_safetensors *file, const uint8_t *bytes, size_t count) {
    uint64_t header;
    EXPECT(count >= sizeof header);
    memcpy(&header, bytes, sizeof header);
    EXPECT(header <= count - sizeof header);
    size_t at = sizeof header + (size_t)header;
    for (size_t i = 0; i < sy_safetensors_count(file); i++) {
        const struct sy_named_tensor *named = sy_safetensors_at(file, i);
        size_t size = sy_tensor_count(&named->tensor) * sy_dtype_bytes(named->tensor.dtype);
        EXPECT(size <= count - at && !memcmp(named->tensor.data, bytes + at, size));
        EXPECT(sy_safetensors_find(file, named->name) == named);
        at += size;
    }
    EXPECT(at == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct sy_safetensors *file;
    struct sy_error err = {.size = sizeof err};
    char path[64];
    int fd = memory_file(path, bytes, count);
    int status = sy_safetensors_open(&file, path, &err);
    if (status == SY_OK) {
        expect_whole(file, bytes, count);
        sy_safetensors_close(file);
    } else {
        EXPECT(!file && err.code == status && strstr(err.text, path) && !strchr(err.text, '\n'));
    }
    close(fd);
    return 0;
}
