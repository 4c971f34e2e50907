/* clones.h - hot loops compiled for several processors, the best chosen when the file is loaded. */
#ifndef CPU_CLONES_H
#define CPU_CLONES_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define CPU_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CPU_SANITIZED 1
#endif

/* Put in front of a function whose loops the compiler vectorises. Sanitizers cannot run the chooser, which comes before
 * they are ready. */
#if defined(__x86_64__) && defined(__linux__) && !defined(CPU_SANITIZED)
#define CPU_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CPU_CLONES
#endif

#endif
