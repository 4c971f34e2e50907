/* make_suite.c - a made-up suite on disk, to look at reports and to measure them:
 *   make_suite FOLDER VARIANTS SEEDS EPOCHS STEPS-OF-AN-EPOCH CLASSES [-1 or 1: all accuracies 0 or 1] */
#include <stdio.h>
#include <stdlib.h>

#include "made_up.h"

int main(int argc, char **argv) {
    if (argc != 7 && argc != 8) {
        fprintf(stderr, "usage: make_suite FOLDER VARIANTS SEEDS EPOCHS STEPS CLASSES [EXTREME]\n");
        return 2;
    }
    struct made_up wish = {
        atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atoi(argv[6]), 0, argc == 8 ? atoi(argv[7]) : 0};
    return make_suite(argv[1], &wish) == 0 ? 0 : 1;
}
