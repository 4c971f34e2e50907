/* server_none.c - see server.h: without libmicrohttpd. */
#include <stddef.h>

#include "server.h"

int sy_server_start(struct sy_server **out, const struct sy_server_options *options, struct sy_error *err) {
    (void)options;
    *out = NULL;
    return sy_fail(
        err, SY_ENOTSUP,
        "this program was built without libmicrohttpd (libmicrohttpd-dev); `switchyard report --format html` "
        "writes the page as a file");
}

uint16_t sy_server_port(const struct sy_server *server) {
    (void)server;
    return 0;
}

bool sy_server_is_local(const struct sy_server *server) {
    (void)server;
    return true;
}

void sy_server_stop(struct sy_server *server) {
    (void)server;
}
