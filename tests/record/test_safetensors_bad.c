/* Files that lie: each rule of the format broken in turn, and thousands of files broken at random. */
#include <switchyard/rng.h>

#include "record/safetensors.h"
#include "scratch.h"

#define ENTRY(name_, type_, shape_, offsets_) \
    "\"" name_ "\":{\"dtype\":\"" type_ "\",\"shape\":" shape_ ",\"data_offsets\":" offsets_ "}"

static const struct bad {
    const char *header;
    size_t data; /* bytes behind it */
    int code;
    const char *says;
} bad[] = {
    {"", 0, SY_EINVAL, "does not begin with '{'"},
    {" {}", 0, SY_EINVAL, "does not begin with '{'"},
    {"[]", 0, SY_EINVAL, "does not begin with '{'"},
    {"{", 0, SY_EINVAL, "the header is not JSON"},
    {"{} {}", 0, SY_EINVAL, "the header is not JSON"},
    {"{\"a\xFF\":1}", 0, SY_EINVAL, "the header is not JSON"},
    {"{" ENTRY("a", "U8", "[1]", "[0,1]") "," ENTRY("a", "U8", "[1]", "[1,2]") "}", 2, SY_EINVAL, "duplicate"},
    {"{\"__metadata__\":[]}", 0, SY_EINVAL, "the metadata is not an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, SY_EINVAL, "metadata 'k' is not a text"},
    {"{\"a\":7}", 0, SY_EINVAL, "tensor 'a' has no dtype"},
    {"{\"a\":{\"dtype\":4,\"shape\":[],\"data_offsets\":[0,4]}}", 4, SY_EINVAL, "tensor 'a' has no dtype"},
    {"{" ENTRY("a", "F16", "[1]", "[0,2]") "}", 2, SY_ENOTSUP, "tensor 'a' has the type 'F16'; F32"},
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4, SY_EINVAL, "tensor 'a' has no shape"},
    {"{" ENTRY("a", "U8", "{}", "[0,1]") "}", 1, SY_EINVAL, "tensor 'a' has no shape"},
    {"{" ENTRY("a", "U8", "[1,1,1,1,1]", "[0,1]") "}", 1, SY_ENOTSUP, "tensor 'a' has 5 dimensions"},
    {"{" ENTRY("a", "U8", "[1,-1]", "[0,1]") "}", 1, SY_EINVAL, "dimension 1 of tensor 'a'"},
    {"{" ENTRY("a", "U8", "[1.0]", "[0,1]") "}", 1, SY_EINVAL, "dimension 0 of tensor 'a'"},
    {"{" ENTRY("a", "U8", "[99999999999999999999]", "[0,1]") "}", 1, SY_EINVAL, "the header is not JSON"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, SY_EINVAL, "tensor 'a' has no data_offsets"},
    {"{" ENTRY("a", "U8", "[1]", "[0,1,2]") "}", 1, SY_EINVAL, "tensor 'a' has no data_offsets"},
    {"{" ENTRY("a", "U8", "[1]", "[0,true]") "}", 1, SY_EINVAL, "tensor 'a' has no data_offsets"},
    {"{" ENTRY("a", "U8", "[1]", "[1,0]") "}", 1, SY_EINVAL, "tensor 'a' lies from byte 1 to byte 0"},
    {"{" ENTRY("a", "U8", "[1]", "[-1,0]") "}", 1, SY_EINVAL, "tensor 'a' lies from byte -1 to byte 0"},
    {"{" ENTRY("a", "U8", "[9]", "[0,9]") "}", 8, SY_EINVAL, "tensor 'a' ends at byte 9 of the data, which has 8"},
    {"{" ENTRY("a", "F32", "[2]", "[0,4]") "}", 4, SY_EINVAL, "tensor 'a' needs 8 bytes by its shape and has 4"},
    /* 2^62 elements of 4 bytes are 2^64 bytes: 0 to who does not look */
    {"{" ENTRY("a", "F32", "[4611686018427387904]", "[0,0]") "}", 0, SY_EINVAL, "larger than any memory"},
    {"{" ENTRY("a", "U8", "[4294967296,4294967296]", "[0,0]") "}", 0, SY_EINVAL, "larger than any memory"},
    {"{" ENTRY("a", "U8", "[2]", "[0,2]") "," ENTRY("b", "U8", "[2]", "[1,3]") "}", 3, SY_EINVAL,
     "tensor 'b' begins at byte 1 of the data, inside another that ends at byte 2"},
    {"{" ENTRY("a", "U8", "[2]", "[0,2]") "," ENTRY("b", "U8", "[2]", "[0,2]") "}", 2, SY_EINVAL, "inside another"},
    {"{" ENTRY("a", "U8", "[1]", "[0,1]") "," ENTRY("b", "U8", "[1]", "[2,3]") "}", 3, SY_EINVAL,
     "tensor 'b' begins at byte 2 of the data, after a hole that begins at byte 1"},
    {"{" ENTRY("a", "U8", "[1]", "[1,2]") "}", 2, SY_EINVAL, "after a hole that begins at byte 0"},
    {"{" ENTRY("a", "U8", "[1]", "[0,1]") "}", 4, SY_EINVAL, "the last 3 bytes belong to no tensor"},
    {"{}", 1, SY_EINVAL, "the last 1 bytes belong to no tensor"},
    {"{\"two\\nlines\":7}", 0, SY_EINVAL, "tensor 'two?lines' has no dtype"},
};

static void expect_refused(struct scratch *scratch, const char *bytes, size_t count, int code, const char *says) {
    struct sy_error err = NEW_ERROR;
    struct sy_safetensors *file;
    const char *path = scratch_file(scratch, "bad.safetensors");
    put_bytes(path, bytes, count);
    sy_safetensors_open(&file, path, &err);
    expect_error(&err, code, says);
    cr_assert_null(file);
    cr_assert_eq(strncmp(err.text, path, strlen(path)), 0, "does not begin with the path: %s", err.text);
}

Test(safetensors_bad, each_rule_has_its_message) {
    struct scratch scratch;
    scratch_make(&scratch);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char bytes[1024] = {0};
        uint64_t length = strlen(bad[i].header);
        memcpy(bytes, &length, sizeof length);
        memcpy(bytes + 8, bad[i].header, length);
        expect_refused(&scratch, bytes, 8 + length + bad[i].data, bad[i].code, bad[i].says);
    }
    scratch_remove(scratch.path);
}

Test(safetensors_bad, header_length_is_bounded) {
    struct scratch scratch;
    scratch_make(&scratch);
    expect_refused(&scratch, "\2\0\0\0\0\0\0", 7, SY_EINVAL, "it has 7 bytes, and 8 say how long the header is");
    expect_refused(&scratch, "\3\0\0\0\0\0\0\0{}", 10, SY_EINVAL, "it says its header has 3 bytes; 2 follow");
    expect_refused(&scratch, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10, SY_EINVAL, "cut short");
    /* a sparse file with room for a header one byte above the limit */
    uint64_t length = 100000001;
    const char *path = scratch_file(&scratch, "large.safetensors");
    put_bytes(path, &length, sizeof length);
    cr_assert_eq(truncate(path, 200000000), 0);
    struct sy_error err = NEW_ERROR;
    struct sy_safetensors *file;
    sy_safetensors_open(&file, path, &err);
    expect_error(&err, SY_EINVAL, "100000000 is the most");
    scratch_remove(scratch.path);
}

Test(safetensors_bad, what_is_no_file) {
    struct scratch scratch;
    struct sy_safetensors *file;
    scratch_make(&scratch);
    struct sy_error err = NEW_ERROR;
    sy_safetensors_open(&file, scratch_file(&scratch, "missing"), &err);
    expect_error(&err, SY_EIO, "cannot be opened: No such file");
    err = NEW_ERROR;
    sy_safetensors_open(&file, scratch.path, &err);
    expect_error(&err, SY_EINVAL, "is no regular file");
    err = NEW_ERROR;
    cr_assert_eq(mkfifo(scratch_file(&scratch, "pipe"), 0600), 0);
    sy_safetensors_open(&file, scratch.file, &err);
    expect_error(&err, SY_EINVAL, "is no regular file");
    scratch_remove(scratch.path);
}

/* ---- thousands at random ---------------------------------------------------------------------------------------- */

enum { MUTANTS = 4000, ROOM = 2048 };

/* Changes, removes, repeats or inserts a byte, or cuts the file; mostly in the header, where the meaning is. */
static size_t mutate(char *bytes, size_t count, struct sy_rng *rng) {
    static const char telling[] = "{}[]\",:0123456789-.eE\\ F3264UIB_\x00\xFF\n";
    size_t header = 8 + (unsigned char)bytes[0] + 256u * (unsigned char)bytes[1];
    size_t range = sy_rng_below(rng, 10) == 0 || header > count ? count : header;
    size_t at = range ? sy_rng_below(rng, (uint32_t)range) : 0;
    char new = telling[sy_rng_below(rng, sizeof telling - 1)];
    switch (count < 2 ? 5 : sy_rng_below(rng, 12)) {
    case 0: /* one bit */
        bytes[at] = (char)(bytes[at] ^ (1 << sy_rng_below(rng, 8)));
        return count;
    case 1: /* gone, header length as it was */
        memmove(bytes + at, bytes + at + 1, count - at - 1);
        return count - 1;
    case 2: /* cut */
        return at;
    case 3: /* header length */
        bytes[sy_rng_below(rng, 8)] = new;
        return count;
    case 4: /* digits change most of what matters */
        while (at < count && (bytes[at] < '0' || bytes[at] > '9')) {
            at++;
        }
        if (at < count) {
            bytes[at] = (char)('0' + sy_rng_below(rng, 10));
        }
        return count;
    case 5: /* one more byte of data */
        bytes[count] = new;
        return count + 1;
    default:
        bytes[at] = new;
        return count;
    }
}

/* What the reader accepts must be what the file holds: all its data, in order, in tensors of matching size. */
static void expect_valid(const struct sy_safetensors *file, const char *bytes, size_t count) {
    uint64_t header;
    memcpy(&header, bytes, sizeof header);
    size_t at = 8 + header;
    for (size_t i = 0; i < sy_safetensors_count(file); i++) {
        const struct sy_tensor *t = &sy_safetensors_at(file, i)->tensor;
        size_t size = sy_tensor_count(t) * sy_dtype_bytes(t->dtype);
        cr_assert(at + size <= count);
        cr_assert_eq(memcmp(t->data, bytes + at, size), 0);
        at += size;
    }
    cr_assert_eq(at, count);
}

Test(safetensors_bad, mutants_are_refused_or_valid) {
    static double data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const char *const metadata[] = {"net", "wrn", "classes", "10", NULL};
    const struct sy_named_tensor tensors[] = {
        {"conv.weight", {.dtype = SY_F32, .shape = {2, 1, 2, 2}, .rank = 4, .data = data}},
        {"step", {.dtype = SY_I64, .rank = 0, .data = data}},
        {"running_mean", {.dtype = SY_F64, .shape = {2, 3}, .rank = 2, .data = data}},
        {"pixels", {.dtype = SY_U8, .shape = {11}, .rank = 1, .data = data}},
    };
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    size_t count, refused = 0;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "mutant.safetensors");
    cr_assert_eq(sy_safetensors_write(path, tensors, 4, metadata, &err), SY_OK, "%s", err.text);
    char *original = get_bytes(path, &count);
    for (uint32_t i = 0; i < MUTANTS; i++) {
        struct sy_rng rng = sy_rng_make(1, SY_FOR_DATA, 0, 0, i);
        struct sy_safetensors *file;
        char bytes[ROOM];
        size_t size = count;
        memcpy(bytes, original, count);
        for (uint32_t m = 1 + sy_rng_below(&rng, 3); m > 0; m--) {
            size = mutate(bytes, size, &rng);
        }
        put_bytes(path, bytes, size);
        err = NEW_ERROR;
        if (sy_safetensors_open(&file, path, &err) == SY_OK) {
            expect_valid(file, bytes, size);
            sy_safetensors_close(file);
        } else {
            expect_error(&err, err.code == SY_ENOTSUP ? SY_ENOTSUP : SY_EINVAL, path);
            refused++;
        }
    }
    /* both sorts must be among them, or the mutations are no good */
    cr_assert(refused > MUTANTS / 2 && refused < MUTANTS - 40, "%zu of %d refused", refused, (int)MUTANTS);
    free(original);
    scratch_remove(scratch.path);
}
