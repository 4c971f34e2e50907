/* variant.h - what a file is compiled for.
 *
 * All but the border (onednn.c) and oneDNN itself (library.c) is compiled once per instruction set, which decides how
 * many channels lie side by side. This header gives every function such files share a name of its own in each;
 * precision.h does the same for those compiled once per precision too, and plan.h has the way in from outside. */
#ifndef ONEDNN_VARIANT_H
#define ONEDNN_VARIANT_H

#if defined(ONEDNN_AVX512)
#define BLOCK         16
#define VARIANT(name) avx512_##name
#elif defined(ONEDNN_AVX2)
#define BLOCK         8
#define VARIANT(name) avx2_##name
#endif

#ifdef VARIANT
#define variant              VARIANT(variant)
#define fp32_kernels         VARIANT(fp32_kernels)
#define bf16_kernels         VARIANT(bf16_kernels)
#define rounded_kernels      VARIANT(rounded_kernels)
#define plan_choose          VARIANT(plan_choose)
#define plan_measure         VARIANT(plan_measure)
#define plan_fuse            VARIANT(plan_fuse)
#define plan_layout          VARIANT(plan_layout)
#define conv2d_create        VARIANT(conv2d_create)
#define conv2d_destroy       VARIANT(conv2d_destroy)
#define conv2d_refresh       VARIANT(conv2d_refresh)
#define conv2d_gather        VARIANT(conv2d_gather)
#define depthwise_create     VARIANT(depthwise_create)
#define depthwise_refresh    VARIANT(depthwise_refresh)
#define depthwise_gather     VARIANT(depthwise_gather)
#define features_has         VARIANT(features_has)
#define features_reads       VARIANT(features_reads)
#define features_run         VARIANT(features_run)
#define images_create        VARIANT(images_create)
#define images_refresh       VARIANT(images_refresh)
#define images_gather        VARIANT(images_gather)
#define images_forward       VARIANT(images_forward)
#define images_backward      VARIANT(images_backward)
#define images_reads         VARIANT(images_reads)
#define images_work          VARIANT(images_work)
#define winograd_create      VARIANT(winograd_create)
#define winograd_destroy     VARIANT(winograd_destroy)
#define winograd_refresh     VARIANT(winograd_refresh)
#define winograd_gather      VARIANT(winograd_gather)
#define sums_add             VARIANT(sums_add)
#define sums_clear           VARIANT(sums_clear)
#define sums_join            VARIANT(sums_join)
#define norms_measured       VARIANT(norms_measured)
#define norms_add_moments    VARIANT(norms_add_moments)
#define norms_add_gradient   VARIANT(norms_add_gradient)
#define norms_start          VARIANT(norms_start)
#define norms_finish         VARIANT(norms_finish)
#define norms_start_gradient VARIANT(norms_start_gradient)
#endif

#endif
