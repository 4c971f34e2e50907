/* cli_watch.c - `switchyard watch`: the report as a page that follows what goes on. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../report/server.h"
#include "session.h"

#define PORT 8017

static void usage(FILE *out) {
    fputs("usage: switchyard watch DIR [options]\n\n"
          "Serves the report of a suite's folder (runs/SUITE) or a run's as a page that follows what goes on there, "
          "until\n"
          "Ctrl-C. Reads only, writes nothing into DIR, and asks nobody else for anything.\n\n"
          "  --port N         port (default: 8017; 0: any that is free)\n"
          "  --bind ADDR      address in digits (default: 127.0.0.1, which only this machine can reach)\n"
          "  --baseline NAME  the variant that others are compared with (default: the suite's)\n"
          "  --help           this text\n",
          out);
}

static bool read_port(uint16_t *port, const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 0 || value > 65535) {
        fprintf(stderr, "switchyard watch: --port %s: a number from 0 to 65535\n", text);
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

static int parse(struct sy_server_options *options, int argc, char **argv) {
    static const struct option known[] = {{"port", required_argument, NULL, 'p'},
                                          {"bind", required_argument, NULL, 'a'},
                                          {"baseline", required_argument, NULL, 'b'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        } else if (option == 'a') {
            options->address = optarg;
        } else if (option == 'b') {
            options->baseline = optarg;
        } else if (option == 'p') {
            if (!read_port(&options->port, optarg)) {
                return SY_EXIT_BAD_INPUT;
            }
        } else {
            fprintf(stderr, "`switchyard watch --help` lists the options\n");
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "switchyard watch: give one folder: a suite's (runs/NAME) or a run's\n");
        return SY_EXIT_BAD_INPUT;
    }
    options->folder = argv[optind];
    return -1;
}

int sy_cli_watch(int argc, char **argv) {
    struct sy_server_options options = {.address = "127.0.0.1", .port = PORT, .seconds = 2};
    struct sy_error err = {.size = sizeof err};
    struct sy_server *server;
    int code = parse(&options, argc, argv);
    if (code >= 0) {
        return code;
    }
    sy_catch_signals();
    int status = sy_server_start(&server, &options, &err);
    if (status != SY_OK) {
        fprintf(stderr, "switchyard watch: %s\n", err.text);
        return status == SY_EINVAL ? SY_EXIT_BAD_INPUT : SY_EXIT_FAILED;
    }
    bool six = strchr(options.address, ':') != NULL;
    printf("http://%s%s%s:%u/ shows %s until Ctrl-C\n", six ? "[" : "", options.address, six ? "]" : "",
           (unsigned)sy_server_port(server), options.folder);
    if (!sy_server_is_local(server)) {
        printf("anybody who can reach %s can read it\n", options.address);
    }
    fflush(stdout);
    while (!sy_interrupted) {
        const struct timespec pause = {0, 200000000};
        nanosleep(&pause, NULL);
    }
    sy_server_stop(server);
    return SY_EXIT_OK;
}
