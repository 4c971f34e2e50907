/* test_watch.c - the served page, asked as a browser and as a stranger would. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <report/server.h>
#include <sys/socket.h>

#include "../record/scratch.h"
#include "made_up.h"

static struct scratch scratch;
static struct sy_server *server;

static void setup(void) {
    const struct made_up wish = {.variants = 2, .seeds = 2, .epochs = 3};
    struct sy_error err = NEW_ERROR;
    scratch_make(&scratch);
    cr_assert_eq(make_suite(scratch.path, &wish), 0);
    struct sy_server_options options = {.folder = scratch.path, .address = "127.0.0.1", .seconds = 0};
    int status = sy_server_start(&server, &options, &err);
    if (status == SY_ENOTSUP) {
        cr_skip("%s", err.text);
    }
    cr_assert_eq(status, SY_OK, "%s", err.text);
}

static void teardown(void) {
    sy_server_stop(server);
    scratch_remove(scratch.path);
}

TestSuite(watch, .init = setup, .fini = teardown);

/* Sends a request as it stands; the answer, to be freed. */
static char *ask(const char *request) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(sy_server_port(server))};
    const struct timeval patience = {30, 0};
    size_t used = 0, room = 8 << 20;
    ssize_t got;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int line = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(line >= 0 && setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    cr_assert_eq(connect(line, (const struct sockaddr *)&where, sizeof where), 0);
    cr_assert_eq(send(line, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    char *answer = calloc(1, room);
    while (used + 1 < room && (got = recv(line, answer + used, room - used - 1, 0)) > 0) {
        used += (size_t)got;
    }
    close(line);
    return answer;
}

static char *get(const char *path, const char *more) {
    char request[1024];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n%s\r\n", path,
             (unsigned)sy_server_port(server), more);
    return ask(request);
}

static void expect_status(char *answer, int status, const char *what) {
    int found = 0;
    cr_assert_eq(sscanf(answer, "HTTP/1.1 %d", &found), 1, "%s: %.80s", what, answer);
    cr_assert_eq(found, status, "%s: %d, not %d", what, found, status);
    free(answer);
}

Test(watch, serves_the_page_and_its_script) {
    char *page = get("/", ""), *body = get("/body", "");
    cr_assert_not_null(strstr(page, "<table>"));
    cr_assert_not_null(strstr(page, "watch.js"));
    cr_assert_not_null(strstr(page, "Content-Security-Policy: default-src 'none'"));
    cr_assert_null(strstr(body, "<html"));
    expect_status(page, 200, "/");
    expect_status(body, 200, "/body");
    expect_status(get("/watch.js", ""), 200, "/watch.js");
}

Test(watch, nothing_else_can_be_had) {
    static const char *const paths[] = {"/suite.json",
                                        "/../../../../etc/passwd",
                                        "/%2e%2e/%2e%2e/etc/passwd",
                                        "/vanilla/seed-1/run.cfg",
                                        "/body/../suite.json",
                                        "//etc/passwd",
                                        "/vanilla%00/body",
                                        "*"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *answer = get(paths[i], "");
        cr_assert_null(strstr(answer, "root:"), "%s", paths[i]);
        cr_assert(!strncmp(answer, "HTTP/1.1 4", 10), "%s: %.60s", paths[i], answer);
        free(answer);
    }
}

Test(watch, can_only_be_read_and_only_from_here) {
    expect_status(ask("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"), 405,
                  "POST");
    expect_status(ask("DELETE /body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), 405, "DELETE");
    expect_status(ask("GET / HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n"), 403, "another host");
    expect_status(ask("GET / HTTP/1.1\r\nHost: localhost.example\r\nConnection: close\r\n\r\n"), 403, "a like host");
    expect_status(ask("GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: close\r\n\r\n"), 200, "by number");
}

Test(watch, follows_what_goes_on_and_writes_nothing) {
    char tag[64] = "", more[128];
    char *before = get("/body", "");
    cr_assert_not_null(strstr(before, "4 of 4 runs finished"));
    cr_assert_eq(sscanf(strstr(before, "ETag: "), "ETag: %63s", tag), 1);
    free(before);
    snprintf(more, sizeof more, "If-None-Match: %s\r\n", tag);
    expect_status(get("/body", more), 304, "unchanged");
    cr_assert_eq(remove(scratch_file(&scratch, "dml/seed-2/result.json")), 0);
    char *after = get("/body", more);
    cr_assert_not_null(strstr(after, "3 of 4 runs finished"));
    expect_status(after, 200, "changed");
    cr_assert_not(is_there(scratch_file(&scratch, "figures")));
    cr_assert_not(is_there(scratch_file(&scratch, "report.html")));
    put_text(scratch_file(&scratch, "suite.json"), "{");
    expect_status(get("/", ""), 503, "damaged");
}

Test(watch, mistakes_are_told) {
    struct sy_error err = NEW_ERROR, other = NEW_ERROR, third = NEW_ERROR;
    struct sy_server *more;
    struct sy_server_options options = {.folder = "/nowhere", .address = "127.0.0.1"};
    sy_server_start(&more, &options, &err);
    expect_error(&err, SY_EINVAL, "holds neither a suite");
    options.folder = scratch.path;
    options.address = "example.org";
    sy_server_start(&more, &options, &other);
    expect_error(&other, SY_EINVAL, "is no address");
    options.address = "127.0.0.1";
    options.port = sy_server_port(server);
    sy_server_start(&more, &options, &third);
    expect_error(&third, SY_EIO, "--port names another");
    cr_assert_null(more);
}
