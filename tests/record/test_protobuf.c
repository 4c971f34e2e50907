/* The wire format, byte by byte: examples of the format's own documentation and its corners. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../core/record/protobuf.h"

static void expect_bytes(const struct sy_protobuf *message, const char *bytes, size_t count) {
    cr_expect_not(message->failed);
    cr_assert_eq(message->size, count, "%zu bytes, %zu expected", message->size, count);
    cr_expect_arr_eq(message->at, bytes, count);
}

Test(protobuf, integers_take_seven_bits_a_byte) {
    struct sy_protobuf message = {0};
    sy_protobuf_integer(&message, 1, 150);
    sy_protobuf_integer(&message, 16, 0);
    sy_protobuf_integer(&message, 2, -1);
    expect_bytes(&message, "\x08\x96\x01\x80\x01\x00\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 17);
    sy_protobuf_finish(&message);
}

Test(protobuf, numbers_are_little_endian) {
    struct sy_protobuf message = {0};
    sy_protobuf_float(&message, 2, 1.5f);
    sy_protobuf_double(&message, 1, -2.0);
    expect_bytes(&message, "\x15\x00\x00\xc0\x3f\x09\x00\x00\x00\x00\x00\x00\x00\xc0", 14);
    sy_protobuf_finish(&message);
}

Test(protobuf, a_nested_message_is_its_length_and_its_bytes) {
    struct sy_protobuf message = {0}, nested = {0};
    sy_protobuf_text(&message, 2, "testing");
    sy_protobuf_integer(&nested, 1, 150);
    sy_protobuf_message(&message, 3, &nested);
    expect_bytes(&message, "\x12\x07testing\x1a\x03\x08\x96\x01", 14);
    cr_expect_null(nested.at, "what was put in is finished");
    sy_protobuf_finish(&message);
}

Test(protobuf, grows_past_its_first_room) {
    struct sy_protobuf message = {0};
    char bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    sy_protobuf_bytes(&message, 1, bytes, sizeof bytes);
    cr_assert_eq(message.size, 3 + sizeof bytes);
    cr_expect_arr_eq(message.at, "\x0a\xe8\x07x", 4);
    cr_expect_eq(message.at[message.size - 1], 'x');
    sy_protobuf_finish(&message);
}

Test(protobuf, a_failure_sticks_and_is_passed_on) {
    struct sy_protobuf message = {0}, nested = {.failed = true};
    sy_protobuf_integer(&nested, 1, 1);
    cr_expect_eq(nested.size, 0);
    sy_protobuf_message(&message, 1, &nested);
    cr_expect(message.failed);
    sy_protobuf_finish(&message);
}
