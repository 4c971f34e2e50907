/* board.c - see board.h. */
#include "board.h"

#include <sys/ioctl.h>
#include <unistd.h>

int sy_terminal_width(FILE *out) {
    struct winsize size;
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

char *sy_duration_text(char *out, size_t room, double seconds) {
    long total = seconds > 0 ? (long)(seconds + 0.5) : 0;
    if (total >= 3600) {
        snprintf(out, room, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
    } else {
        snprintf(out, room, "%ld:%02ld", total / 60, total % 60);
    }
    return out;
}

void sy_board_init(struct sy_board *board, FILE *out) {
    *board = (struct sy_board){.out = out, .terminal = isatty(fileno(out)) == 1};
}

void sy_board_clear(struct sy_board *board) {
    if (board->standing) {
        fprintf(board->out, "\r\033[%dA\033[J", board->standing); /* up, then everything below is erased */
        board->standing = 0;
        fflush(board->out);
    }
}

void sy_board_say(struct sy_board *board, const char *line) {
    sy_board_clear(board);
    fprintf(board->out, "%s\n", line);
    fflush(board->out);
}

void sy_board_show(struct sy_board *board, const char *const *lines, int count) {
    int width = sy_terminal_width(board->out) - 1;
    if (!board->terminal) {
        return;
    }
    sy_board_clear(board);
    for (int i = 0; i < count; i++) {
        fprintf(board->out, "%.*s\n", width, lines[i]);
    }
    board->standing = count;
    fflush(board->out);
}
