/* protobuf.c - see protobuf.h. Wire format: protobuf.dev, "Encoding". */
#include "protobuf.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH_FIRST = 2, FOUR_BYTES = 5 };

void sy_protobuf_finish(struct sy_protobuf *message) {
    free(message->at);
    *message = (struct sy_protobuf){0};
}

static void append(struct sy_protobuf *message, const void *bytes, size_t count) {
    if (message->failed || !count) {
        return;
    }
    if (count > message->room - message->size) {
        size_t room = message->room ? message->room : 64;
        while (room - message->size < count && room <= SIZE_MAX / 2) {
            room *= 2;
        }
        uint8_t *grown = room - message->size >= count ? realloc(message->at, room) : NULL;
        if (!grown) {
            message->failed = true;
            return;
        }
        message->at = grown;
        message->room = room;
    }
    memcpy(message->at + message->size, bytes, count);
    message->size += count;
}

/* Seven bits a byte, the lowest first; the top bit says that more follow. */
static void append_varint(struct sy_protobuf *message, uint64_t value) {
    uint8_t bytes[10];
    size_t count = 0;
    do {
        bytes[count++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    append(message, bytes, count);
}

static void append_key(struct sy_protobuf *message, uint32_t field, uint32_t type) {
    append_varint(message, (uint64_t)field << 3 | type);
}

/* The lowest byte first, whatever this machine does. */
static void append_little(struct sy_protobuf *message, uint64_t bits, size_t count) {
    uint8_t bytes[8];
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)(bits >> (8 * i));
    }
    append(message, bytes, count);
}

void sy_protobuf_integer(struct sy_protobuf *message, uint32_t field, int64_t value) {
    append_key(message, field, VARINT);
    append_varint(message, (uint64_t)value);
}

void sy_protobuf_float(struct sy_protobuf *message, uint32_t field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    append_key(message, field, FOUR_BYTES);
    append_little(message, bits, sizeof bits);
}

void sy_protobuf_double(struct sy_protobuf *message, uint32_t field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    append_key(message, field, EIGHT_BYTES);
    append_little(message, bits, sizeof bits);
}

void sy_protobuf_bytes(struct sy_protobuf *message, uint32_t field, const void *bytes, size_t count) {
    append_key(message, field, LENGTH_FIRST);
    append_varint(message, count);
    append(message, bytes, count);
}

void sy_protobuf_text(struct sy_protobuf *message, uint32_t field, const char *text) {
    sy_protobuf_bytes(message, field, text, strlen(text));
}

void sy_protobuf_message(struct sy_protobuf *message, uint32_t field, struct sy_protobuf *nested) {
    message->failed = message->failed || nested->failed;
    sy_protobuf_bytes(message, field, nested->at, nested->size);
    sy_protobuf_finish(nested);
}
