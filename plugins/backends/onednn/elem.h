/* elem.h - lanes from and to what activations and their gradients are stored as (precision.h). */
#ifndef ONEDNN_ELEM_H
#define ONEDNN_ELEM_H

#include "bf16.h"
#include "precision.h"

/* elem_stream: elem_put past the caches, for what is not read again soon; elem_fence before other threads may read it.
 * elem_rounded: what elem_get would read back. */
static inline void elem_fence(void) {
    _mm_sfence();
}
#ifdef ONEDNN_BF16
static inline lanes elem_get(const elem *from) {
    return halves_widen(halves_get(from));
}
static inline void elem_put(elem *to, lanes x) {
    halves_put(to, halves_of(x));
}
static inline void elem_stream(elem *to, lanes x) {
    elem_put(to, x);
}
static inline lanes elem_rounded(lanes x) {
    return bf16_rounded(x);
}
static inline float elem_float(elem x) {
    union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)x << 16};
    return u.value;
}
static inline elem elem_of(float x) {
    union {
        float value;
        uint32_t bits;
    } u = {x};
    if ((u.bits & 0x7fffffffu) > 0x7f800000u) {
        return (elem)((u.bits >> 16) | 0x40u);
    }
    return (elem)((u.bits + 0x7fffu + ((u.bits >> 16) & 1u)) >> 16);
}
#else
static inline lanes elem_get(const elem *from) {
    return lanes_get(from);
}
static inline void elem_put(elem *to, lanes x) {
    lanes_put(to, x);
}
static inline void elem_stream(elem *to, lanes x) {
    LANES(stream_ps)(to, x);
}
static inline lanes elem_rounded(lanes x) {
    return x;
}
static inline float elem_float(elem x) {
    return x;
}
static inline elem elem_of(float x) {
    return x;
}
#endif

#endif
