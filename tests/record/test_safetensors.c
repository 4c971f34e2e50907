/* What is written is read back, byte for byte, and a write that fails leaves no trace. */
#include "broken_disk.h"
#include "record/safetensors.h"
#include "scratch.h"

static float weights[6] = {1, -2.5f, 3e-30f, 0, 5, 6};
static double scalar = 0.1;
static int64_t counts[3] = {-1, 0, INT64_MAX};
static uint8_t pixels[3] = {0, 128, 255};
static uint16_t halves[2] = {0x3F80, 0xC000};
static int32_t labels[1] = {-7};

static const struct sy_named_tensor all_types[] = {
    {"layer1.0.conv1.weight", {.dtype = SY_F32, .shape = {3, 1, 2, 1}, .rank = 4, .data = weights}},
    {"scalar", {.dtype = SY_F64, .rank = 0, .data = &scalar}},
    {"counts", {.dtype = SY_I64, .shape = {3}, .rank = 1, .data = counts}},
    {"pixels", {.dtype = SY_U8, .shape = {3, 1}, .rank = 2, .data = pixels}},
    {"nothing", {.dtype = SY_F32, .shape = {0, 5}, .rank = 2, .data = NULL}},
    {"halves \"\xC3\xA9\"", {.dtype = SY_BF16, .shape = {2}, .rank = 1, .data = halves}},
    {"labels", {.dtype = SY_I32, .shape = {1}, .rank = 1, .data = labels}},
};
enum { TYPES = sizeof all_types / sizeof all_types[0] };
static const char *const metadata[] = {"network", "wrn", "note", "two\nlines", NULL};

static void expect_same(const struct sy_named_tensor *read, const struct sy_named_tensor *written) {
    const struct sy_tensor *a = &read->tensor, *b = &written->tensor;
    cr_assert_str_eq(read->name, written->name);
    cr_assert(a->dtype == b->dtype && a->rank == b->rank && a->size == sizeof *a, "%s", read->name);
    for (int32_t i = 0; i < a->rank; i++) {
        cr_assert_eq(a->shape[i], b->shape[i], "%s", read->name);
    }
    size_t bytes = sy_tensor_count(b) * sy_dtype_bytes(b->dtype);
    cr_assert(bytes == 0 || memcmp(a->data, b->data, bytes) == 0, "%s", read->name);
    cr_assert_eq((uintptr_t)a->data % 64, 0, "%s is not aligned", read->name);
}

Test(safetensors, every_type_comes_back) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    struct sy_safetensors *file;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "all.safetensors");
    cr_assert_eq(sy_safetensors_write(path, all_types, TYPES, metadata, &err), SY_OK, "%s", err.text);
    cr_assert_eq(sy_safetensors_open(&file, path, &err), SY_OK, "%s", err.text);
    cr_assert_eq(sy_safetensors_count(file), (size_t)TYPES);
    for (size_t i = 0; i < TYPES; i++) {
        expect_same(sy_safetensors_at(file, i), &all_types[i]);
        cr_assert_eq(sy_safetensors_find(file, all_types[i].name), sy_safetensors_at(file, i));
    }
    cr_assert_null(sy_safetensors_at(file, TYPES));
    cr_assert_null(sy_safetensors_find(file, "layer1"));
    cr_assert_str_eq(sy_safetensors_metadata(file, "note"), "two\nlines");
    cr_assert_null(sy_safetensors_metadata(file, "layer1"));
    sy_safetensors_close(file);
    scratch_remove(scratch.path);
}

/* The format, spelt out: little-endian length, header padded with spaces to 8, data in the order given. */
Test(safetensors, bytes_are_pinned) {
    static const char header[] = "{\"__metadata__\":{\"a\":\"b\"},"
                                 "\"x\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
                                 "\"y\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[3,11]}}";
    static const char *const notes[] = {"a", "b", NULL};
    double one = 1;
    const struct sy_named_tensor tensors[] = {
        {"x", {.dtype = SY_U8, .shape = {3}, .rank = 1, .data = pixels}},
        {"y", {.dtype = SY_F64, .rank = 0, .data = &one}},
    };
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    size_t count, length = sizeof header - 1, padded = (length + 7) / 8 * 8;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "x.safetensors");
    cr_assert_eq(sy_safetensors_write(path, tensors, 2, notes, &err), SY_OK, "%s", err.text);
    char *bytes = get_bytes(path, &count);
    cr_assert_eq(count, 8 + padded + 11);
    cr_assert_eq((size_t)(unsigned char)bytes[0], padded);
    cr_assert(memcmp(bytes + 1, "\0\0\0\0\0\0\0", 7) == 0);
    cr_assert(memcmp(bytes + 8, header, length) == 0, "%s", bytes + 8);
    for (size_t i = length; i < padded; i++) {
        cr_assert_eq(bytes[8 + i], ' ');
    }
    cr_assert(memcmp(bytes + 8 + padded, "\x00\x80\xFF\0\0\0\0\0\0\xF0\x3F", 11) == 0);
    free(bytes);
    scratch_remove(scratch.path);
}

/* Data out of the header's order is legal; the reader hands it out in the order of the data. */
Test(safetensors, order_is_that_of_the_data) {
    static const char header[] = "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},"
                                 "\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[1,1]},"
                                 "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"new\":7}}";
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    struct sy_safetensors *file;
    char bytes[512] = {0};
    bytes[0] = (char)(sizeof header - 1);
    memcpy(bytes + 8, header, sizeof header - 1);
    memcpy(bytes + 8 + sizeof header - 1, "\x01\x02\x03", 3);
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "x.safetensors");
    put_bytes(path, bytes, 8 + sizeof header - 1 + 3);
    cr_assert_eq(sy_safetensors_open(&file, path, &err), SY_OK, "%s", err.text);
    cr_assert_str_eq(sy_safetensors_at(file, 0)->name, "a");
    cr_assert_str_eq(sy_safetensors_at(file, 1)->name, "e");
    cr_assert_str_eq(sy_safetensors_at(file, 2)->name, "b");
    cr_assert_eq(((uint8_t *)sy_safetensors_at(file, 2)->tensor.data)[1], 3);
    sy_safetensors_close(file);
    scratch_remove(scratch.path);
}

Test(safetensors, refuses_to_write_nonsense) {
    struct scratch scratch;
    scratch_make(&scratch);
    const struct sy_tensor good = {.dtype = SY_U8, .shape = {3}, .rank = 1, .data = pixels};
    const struct {
        struct sy_named_tensor tensors[2];
        const char *says;
    } cases[] = {
        {{{"a", good}, {"a", good}}, "called 'a'"},
        {{{"a", good}, {"__metadata__", good}}, "called '__metadata__'"},
        {{{"a", good}, {"\xFF", good}}, "not UTF-8"},
        {{{"a", good}, {"b", {.dtype = 99, .shape = {3}, .rank = 1, .data = pixels}}}, "tensor 'b' has no sensible"},
        {{{"a", good}, {"b", {.dtype = SY_U8, .rank = 5, .data = pixels}}}, "tensor 'b' has no sensible"},
        {{{"a", good}, {"b", {.dtype = SY_U8, .shape = {-3}, .rank = 1, .data = pixels}}},
         "tensor 'b' has no sensible"},
        {{{"a", good}, {"b", {.dtype = SY_U8, .shape = {3}, .rank = 1}}}, "tensor 'b' has no sensible"},
        {{{"a", good}, {"b", {.dtype = SY_F64, .shape = {INT64_MAX, 4}, .rank = 2, .data = pixels}}},
         "tensor 'b' has no sensible"},
    };
    const char *path = scratch_file(&scratch, "x.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sy_error err = NEW_ERROR;
        sy_safetensors_write(path, cases[i].tensors, 2, NULL, &err);
        expect_error(&err, SY_EINVAL, cases[i].says);
        cr_assert_not(is_there(path));
    }
    scratch_remove(scratch.path);
}

/* rmdir succeeds only if neither the file nor anything beside it is left. */
Test(safetensors, failed_write_leaves_nothing) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    static float large[50000];
    const struct sy_named_tensor tensor = {"x", {.dtype = SY_F32, .shape = {50000}, .rank = 1, .data = large}};
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "x.safetensors");
    limit_files_to(100000);
    sy_safetensors_write(path, &tensor, 1, NULL, &err);
    limit_files_to(RLIM_INFINITY);
    expect_error(&err, SY_EIO, "x.safetensors: cannot be written: File too large");
    cr_assert_eq(rmdir(scratch.path), 0);
}

Test(safetensors, failed_write_leaves_the_old_file) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    static float large[50000];
    const struct sy_named_tensor tensor = {"x", {.dtype = SY_F32, .shape = {50000}, .rank = 1, .data = large}};
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "x.safetensors");
    put_text(path, "old");
    limit_files_to(100000);
    cr_assert_eq(sy_safetensors_write(path, &tensor, 1, NULL, &err), SY_EIO);
    limit_files_to(RLIM_INFINITY);
    expect_text(path, "old");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(scratch.path), 0);
}
