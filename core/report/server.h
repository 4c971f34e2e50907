/* server.h - the page of a folder over HTTP, to look at while runs go on.
 *
 * Three things are served, by name: `/`, `/body` and `/watch.js`; nothing comes from the disk by a name that a client
 * chose, and nothing is written. Only GET and HEAD. On a loopback address requests must name it (or localhost) as their
 * host, so that no page of elsewhere can read this one. server_http.c is built where libmicrohttpd is, server_none.c
 * elsewhere. */
#ifndef SY_REPORT_SERVER_H
#define SY_REPORT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <switchyard/error.h>

struct sy_server;

struct sy_server_options {
    const char *folder, *baseline; /* as in sy_report_read */
    const char *address;           /* "127.0.0.1"; an IPv4 or IPv6 address in digits */
    uint16_t port;                 /* 0: any that is free */
    double seconds;                /* how long a page is good for */
};

/* Serves from a thread of its own until it is stopped. SY_ENOTSUP where this was built without libmicrohttpd. *out is
 * NULL after a failure. */
int sy_server_start(struct sy_server **out, const struct sy_server_options *options, struct sy_error *err);
uint16_t sy_server_port(const struct sy_server *server);
bool sy_server_is_local(const struct sy_server *server); /* a loopback address */
void sy_server_stop(struct sy_server *server);           /* NULL is fine */

#endif
