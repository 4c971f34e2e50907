/* protobuf.h - writes messages in Protocol Buffers' wire format: what ONNX files and TensorBoard's events are made of.
 *
 * A message grows in memory, field by field, in the order of the calls; nested ones are built on their own and put in.
 * Failures stick: when memory is used up every further call does nothing, and `failed` says so at the end. */
#ifndef SY_RECORD_PROTOBUF_H
#define SY_RECORD_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros is an empty message. */
struct sy_protobuf {
    uint8_t *at;
    size_t size, room;
    bool failed;
};

void sy_protobuf_finish(struct sy_protobuf *message);

/* Types int64, uint64, int32, bool and enum; negative numbers take ten bytes, as the format has it. */
void sy_protobuf_integer(struct sy_protobuf *message, uint32_t field, int64_t value);
void sy_protobuf_float(struct sy_protobuf *message, uint32_t field, float value);
void sy_protobuf_double(struct sy_protobuf *message, uint32_t field, double value);
void sy_protobuf_bytes(struct sy_protobuf *message, uint32_t field, const void *bytes, size_t count);
void sy_protobuf_text(struct sy_protobuf *message, uint32_t field, const char *text);
/* Puts a nested message in and finishes it. */
void sy_protobuf_message(struct sy_protobuf *message, uint32_t field, struct sy_protobuf *nested);

#endif
