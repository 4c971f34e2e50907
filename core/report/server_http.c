/* server_http.c - see server.h: through libmicrohttpd, with one thread, which is the only one that looks at the page. */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "live.h"
#include "page.h"
#include "server.h"

struct sy_server {
    struct MHD_Daemon *daemon;
    struct sy_live *live;
    char *address;
    bool local;
};

/* ---- requests --------------------------------------------------------------------------------------------------- */

/* Whether the Host header is one under which this server can be meant. */
static bool is_meant(const struct sy_server *server, struct MHD_Connection *connection) {
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    const char *known[] = {"localhost", "127.0.0.1", "[::1]", server->address};
    if (!server->local) {
        return true;
    }
    for (size_t i = 0; host && i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i]);
        if (!strncasecmp(host, known[i], length) && (host[length] == 0 || host[length] == ':')) {
            return true;
        }
    }
    return false;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *kind, const char *tag,
                              const char *text, size_t size) {
    static const char *const headers[][2] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src "
                                    "'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors "
                                    "'none'"}};
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!response) {
        return MHD_NO;
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    }
    MHD_add_response_header(response, "Content-Type", kind);
    if (tag) {
        MHD_add_response_header(response, "ETag", tag);
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    }
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text) {
    return answer(connection, status, "text/plain; charset=utf-8", NULL, text, strlen(text));
}

static enum MHD_Result answer_page(struct sy_server *server, struct MHD_Connection *connection, bool whole) {
    struct sy_live_page page;
    struct sy_error err = {.size = sizeof err};
    const char *known = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "If-None-Match");
    if (sy_live_look(&page, server->live, &err) != SY_OK) {
        return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, err.text);
    }
    if (!whole && known && !strcmp(known, page.tag)) {
        return answer(connection, MHD_HTTP_NOT_MODIFIED, "text/html; charset=utf-8", page.tag, "", 0);
    }
    return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", whole ? NULL : page.tag,
                  whole ? page.page : page.body, whole ? page.page_size : page.body_size);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state) {
    struct sy_server *server = context;
    (void)version, (void)data;
    if (!*state) { /* only the head is here; whoever sends more gets his answer when that has come */
        *state = server;
        return MHD_YES;
    }
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "this page can only be read\n");
    }
    if (!is_meant(server, connection)) {
        return refuse(connection, MHD_HTTP_FORBIDDEN, "this page is for 127.0.0.1 and localhost\n");
    }
    if (!strcmp(url, "/") || !strcmp(url, "/body")) {
        return answer_page(server, connection, url[1] == 0);
    }
    if (!strcmp(url, "/watch.js")) {
        return answer(connection, MHD_HTTP_OK, "text/javascript; charset=utf-8", NULL, sy_page_script,
                      strlen(sy_page_script));
    }
    return refuse(connection, MHD_HTTP_NOT_FOUND, "there is nothing here\n");
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *six = (const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static int listen_at(struct sy_server *server, const struct sy_server_options *options, struct sy_error *err) {
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)options->port);
    if (getaddrinfo(options->address, port, &hints, &found) != 0) {
        return sy_fail(err, SY_EINVAL, "%s: is no address; give one in digits, such as 127.0.0.1 or ::1",
                       options->address);
    }
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | (found->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    server->local = is_loopback(found->ai_addr);
    errno = 0;
    server->daemon =
        MHD_start_daemon(flags, options->port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, found->ai_addr,
                         MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_CONNECTION_TIMEOUT, 20u, MHD_OPTION_END);
    int why = errno;
    freeaddrinfo(found);
    if (!server->daemon) {
        return sy_fail(err, SY_EIO, "%s port %u cannot be listened at: %s; --port names another, 0 any that is free",
                       options->address, (unsigned)options->port, why ? strerror(why) : "refused");
    }
    return SY_OK;
}

int sy_server_start(struct sy_server **out, const struct sy_server_options *options, struct sy_error *err) {
    struct sy_server *server = calloc(1, sizeof *server);
    *out = NULL;
    if (!server || !(server->address = strdup(options->address))) {
        free(server);
        return sy_fail(err, SY_ENOMEM, "no memory to serve");
    }
    int status = sy_live_create(&server->live, options->folder, options->baseline, options->seconds, err);
    if (status == SY_OK) {
        status = listen_at(server, options, err);
    }
    if (status != SY_OK) {
        sy_server_stop(server);
        return status;
    }
    *out = server;
    return SY_OK;
}

uint16_t sy_server_port(const struct sy_server *server) {
    const union MHD_DaemonInfo *about = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return about ? about->port : 0;
}

bool sy_server_is_local(const struct sy_server *server) {
    return server->local;
}

void sy_server_stop(struct sy_server *server) {
    if (server) {
        if (server->daemon) {
            MHD_stop_daemon(server->daemon);
        }
        sy_live_destroy(server->live);
        free(server->address);
        free(server);
    }
}
