/* precision.h - what activations and their gradients are stored as.
 *
 * Files that touch them are compiled once per precision: with ONEDNN_BF16 they are bfloat16, without it floats; and
 * bfloat16 once with the instructions for it, ONEDNN_NATIVE_BF16, and once without. This header gives every function they
 * share a name of its own in each; kernels.c has the way in from outside. */
#ifndef ONEDNN_PRECISION_H
#define ONEDNN_PRECISION_H

#include <stdint.h>

#include "variant.h"

#ifdef ONEDNN_BF16
typedef uint16_t elem;
#ifdef ONEDNN_NATIVE_BF16
#define PRECISE(name) VARIANT(bf16_##name)
#else
#define PRECISE(name) VARIANT(rounded_##name)
#endif
#else
typedef float elem;
#define PRECISE(name) VARIANT(fp32_##name)
#endif

/* What oneDNN's convolutions read and write: the same, but floats that are rounded likewise where there are no
 * instructions for it. */
#if defined(ONEDNN_BF16) && !defined(ONEDNN_NATIVE_BF16)
typedef float operand;
#define OPERANDS_ARE_STORED false
#else
typedef elem operand;
#define OPERANDS_ARE_STORED true
#endif

#define own_kernels           PRECISE(kernels)
#define view_planes           PRECISE(view_planes)
#define view_floats           PRECISE(view_floats)
#define finish_planes         PRECISE(finish_planes)
#define finish_floats         PRECISE(finish_floats)
#define gradient_planes       PRECISE(gradient_planes)
#define gradient_floats       PRECISE(gradient_floats)
#define settle_planes         PRECISE(settle_planes)
#define contribute_planes     PRECISE(contribute_planes)
#define contribute_floats     PRECISE(contribute_floats)
#define conv2d_forward        PRECISE(conv2d_forward)
#define conv2d_backward       PRECISE(conv2d_backward)
#define conv2d_round          PRECISE(conv2d_round)
#define winograd_forward      PRECISE(winograd_forward)
#define winograd_backward     PRECISE(winograd_backward)
#define depthwise_forward     PRECISE(depthwise_forward)
#define depthwise_backward    PRECISE(depthwise_backward)
#define image_forward         PRECISE(image_forward)
#define sum_forward           PRECISE(sum_forward)
#define image_backward        PRECISE(image_backward)
#define linear_forward        PRECISE(linear_forward)
#define linear_backward       PRECISE(linear_backward)
#define border_read           PRECISE(border_read)
#define border_write          PRECISE(border_write)
#define border_input          PRECISE(border_input)
#define border_output         PRECISE(border_output)
#define border_seed           PRECISE(border_seed)
#define border_input_gradient PRECISE(border_input_gradient)

#endif
