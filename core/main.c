/* main.c - the program `switchyard`; everything is in the core's library. */
#include "cli/cli.h"

int main(int argc, char **argv) {
    return sy_cli_main(argc, argv);
}
