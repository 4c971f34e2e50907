/* bf16.h - lanes from and to bfloat16: to the nearest, to the even one where two are as near; what is not a number stays
 * so. By the instruction for it where files are compiled with ONEDNN_NATIVE_BF16, else by integers. */
#ifndef ONEDNN_BF16_H
#define ONEDNN_BF16_H

#include <stdint.h>

#include "lanes.h"

#ifdef ONEDNN_AVX512
typedef __m256i halves; /* as many bfloat16s as there are lanes */
static inline halves halves_get(const uint16_t *from) {
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}
static inline void halves_put(uint16_t *to, halves x) {
    _mm256_storeu_si256((__m256i *)(void *)to, x);
}
static inline lanes halves_widen(halves x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
#ifdef ONEDNN_NATIVE_BF16
static inline halves halves_of(lanes x) {
    return (__m256i)_mm512_cvtneps_pbh(x);
}
#else
static inline halves halves_of(lanes x) {
    __m512i bits = _mm512_castps_si512(x), upper = _mm512_srli_epi32(bits, 16);
    __m512i half = _mm512_add_epi32(_mm512_and_si512(upper, _mm512_set1_epi32(1)), _mm512_set1_epi32(0x7fff));
    __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, half), 16);
    __mmask16 none = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(rounded, none, upper, _mm512_set1_epi32(0x40)));
}
#endif
#else
typedef __m128i halves;
static inline halves halves_get(const uint16_t *from) {
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}
static inline void halves_put(uint16_t *to, halves x) {
    _mm_storeu_si128((__m128i *)(void *)to, x);
}
static inline lanes halves_widen(halves x) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
}
static inline halves halves_of(lanes x) {
    __m256i bits = _mm256_castps_si256(x), upper = _mm256_srli_epi32(bits, 16);
    __m256i half = _mm256_add_epi32(_mm256_and_si256(upper, _mm256_set1_epi32(1)), _mm256_set1_epi32(0x7fff));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, half), 16);
    __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    __m256i none = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    rounded = _mm256_blendv_epi8(rounded, quiet, none);
    return _mm_packus_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
}
#endif

/* What would be read back. */
static inline lanes bf16_rounded(lanes x) {
    return halves_widen(halves_of(x));
}

#endif
