/* test_services.c - what plugins are handed: messages, buffers, loops. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

#include "host/services.h"

struct heard {
    int lines;
    int32_t level;
    char line[2048];
};

static void hear(void *context, int32_t level, const char *line) {
    struct heard *heard = context;
    heard->lines++;
    heard->level = level;
    snprintf(heard->line, sizeof heard->line, "%s", line);
}

Test(services, messages_go_to_stderr, .init = cr_redirect_stderr) {
    struct sy_services services;
    sy_services_init(&services, NULL, 1, "policy rule of gate a-b");
    services.host.log(&services.host, SY_LOG_INFO, "%d apples", 3);
    services.host.log(&services.host, SY_LOG_DEBUG, "not asked for");
    fflush(stderr);
    cr_assert_stderr_eq_str("switchyard: policy rule of gate a-b: 3 apples\n");
    sy_services_finish(&services);
}

Test(services, messages_go_to_the_sink_in_one_line) {
    struct heard heard = {0};
    struct sy_services services;
    sy_services_init(&services, NULL, 1, "loss kl");
    sy_log_sink(hear, &heard);
    services.host.log(&services.host, SY_LOG_WARNING, "two\nlines and \033[31mred\177");
    cr_expect_str_eq(heard.line, "loss kl: two lines and  [31mred ");
    cr_expect_eq(heard.level, SY_LOG_WARNING);
    services.host.log(&services.host, SY_LOG_DEBUG, "quiet");
    cr_expect_eq(heard.lines, 1);
    sy_log_level(SY_LOG_DEBUG);
    services.host.log(&services.host, SY_LOG_DEBUG, "quiet");
    cr_expect_eq(heard.lines, 2);
    sy_log_level(SY_LOG_WARNING);
    services.host.log(&services.host, SY_LOG_INFO, "too low");
    cr_expect_eq(heard.lines, 2);
    services.host.log(&services.host, SY_LOG_WARNING, "%02000d", 7);
    cr_expect_eq(strlen(heard.line), 1023);
    sy_services_finish(&services);
}

Test(services, host_says_what_there_is) {
    struct sy_services services;
    struct sy_threads *threads = sy_threads_create(3);
    sy_services_init(&services, threads, 42, "x");
    cr_expect_eq(services.host.size, sizeof services.host);
    cr_expect_eq(services.host.threads, 3);
    cr_expect_eq(services.host.seed, 42);
    sy_services_finish(&services);
    sy_services_init(&services, NULL, 42, "x");
    cr_expect_eq(services.host.threads, 1);
    sy_services_finish(&services);
    sy_services_finish(&services);
    sy_threads_destroy(threads);
}

static void mark(void *argument, size_t begin, size_t end, int32_t thread) {
    int32_t *marks = argument;
    for (size_t i = begin; i < end; i++) {
        marks[i] = thread + 1;
    }
}

Test(services, loops_run_on_the_threads_or_alone) {
    int32_t marks[10] = {0};
    struct sy_services services;
    struct sy_threads *threads = sy_threads_create(2);
    sy_services_init(&services, threads, 0, "x");
    services.host.parallel_for(&services.host, 10, mark, marks);
    for (int i = 0; i < 10; i++) {
        cr_expect_eq(marks[i], i < 5 ? 1 : 2);
    }
    sy_services_finish(&services);
    sy_services_init(&services, NULL, 0, "x");
    services.host.parallel_for(&services.host, 10, mark, marks);
    for (int i = 0; i < 10; i++) {
        cr_expect_eq(marks[i], 1);
    }
    services.host.parallel_for(&services.host, 0, mark, NULL);
    sy_services_finish(&services);
    sy_threads_destroy(threads);
}

Test(services, buffers_are_zeroed_named_and_stay_in_place) {
    struct sy_services services;
    struct sy_error err = {.size = sizeof err};
    float *bank = NULL, *other = NULL;
    char name[16];
    sy_services_init(&services, NULL, 0, "x");
    services.in_init = true;
    cr_assert_eq(services.host.buffer(&services.host, &bank, "bank", 1000, &err), SY_OK);
    for (int i = 0; i < 1000; i++) {
        cr_expect_eq(bank[i], 0.0f);
    }
    bank[999] = 5;
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "more.%d", i);
        cr_assert_eq(services.host.buffer(&services.host, &other, name, 3, &err), SY_OK);
    }
    cr_expect_eq(services.n_buffers, 21);
    cr_expect_str_eq(services.buffers[0].name, "bank");
    cr_expect_eq(services.buffers[0].at, bank);
    cr_expect_eq(services.buffers[0].count, 1000);
    cr_expect_eq(bank[999], 5.0f);
    sy_services_finish(&services);
}

static void expect_refused(struct sy_services *services, const char *name, size_t count, int code, const char *text) {
    struct sy_error err = {.size = sizeof err};
    float place = 0, *out = &place;
    cr_expect_eq(services->host.buffer(&services->host, &out, name, count, &err), code);
    cr_expect_null(out);
    cr_expect_str_eq(err.text, text);
}

Test(services, buffers_that_make_no_sense) {
    struct sy_services services;
    struct sy_error err = {.size = sizeof err};
    float *bank;
    sy_services_init(&services, NULL, 0, "x");
    expect_refused(&services, "bank", 4, SY_EINVAL, "buffer \"bank\" was asked for outside init; ask for it in init");
    services.in_init = true;
    cr_assert_eq(services.host.buffer(&services.host, &bank, "bank", 4, &err), SY_OK);
    expect_refused(&services, "bank", 8, SY_EINVAL, "buffer \"bank\" was asked for twice; names must differ");
    expect_refused(&services, "none", 0, SY_EINVAL, "buffer \"none\" has no elements; it needs 1 or more");
    expect_refused(&services, "a/b", 1, SY_EINVAL, "buffer name \"a/b\": must be 1 to 63 letters, digits, _, . or -");
    expect_refused(&services, NULL, 1, SY_EINVAL, "buffer name \"\": must be 1 to 63 letters, digits, _, . or -");
    expect_refused(&services, "huge", SIZE_MAX / 2, SY_ENOMEM,
                   "no memory for buffer \"huge\" of 9223372036854775807 floats");
    cr_expect_eq(services.n_buffers, 1);
    sy_services_finish(&services);
}
