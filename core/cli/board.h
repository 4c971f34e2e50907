/* board.h - several lines that stay at the bottom of a terminal and change in place, below lines that pass by. Without a
 * terminal, or when quiet, only the lines that pass. */
#ifndef SY_CLI_BOARD_H
#define SY_CLI_BOARD_H

#include <stdbool.h>
#include <stdio.h>

struct sy_board {
    FILE *out;
    bool terminal;
    int standing; /* lines on the terminal now */
};

void sy_board_init(struct sy_board *board, FILE *out);
/* A line that passes. */
void sy_board_say(struct sy_board *board, const char *line);
/* Puts these lines in place of those that stand, each cut to the terminal's width. */
void sy_board_show(struct sy_board *board, const char *const *lines, int count);
/* Takes the standing lines away. */
void sy_board_clear(struct sy_board *board);

/* "1:02:03" or "2:03"; returns `out`. */
char *sy_duration_text(char *out, size_t room, double seconds);
/* Columns of a terminal, 80 where it does not tell. */
int sy_terminal_width(FILE *out);

#endif
