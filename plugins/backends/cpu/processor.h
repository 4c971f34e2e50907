/* processor.h - what this processor can do. */
#ifndef CPU_PROCESSOR_H
#define CPU_PROCESSOR_H

#include <stdbool.h>

bool cpu_has_avx2(void);   /* and fused multiply-add */
bool cpu_has_avx512(void); /* F, BW, DQ and VL */
bool cpu_has_avx512_bf16(void);

#endif
