/* cli.h - the commands of the program `switchyard`, one file each.
 *
 * A command gets its own name as argv[0] and returns the program's exit code: 0 done, 1 failed while working, 2 bad
 * input (told on stderr, nothing written), 130 interrupted. */
#ifndef SY_CLI_CLI_H
#define SY_CLI_CLI_H

enum sy_exit { SY_EXIT_OK = 0, SY_EXIT_FAILED = 1, SY_EXIT_BAD_INPUT = 2, SY_EXIT_INTERRUPTED = 130 };

int sy_cli_run(int argc, char **argv);
int sy_cli_check(int argc, char **argv);
int sy_cli_compare(int argc, char **argv);
int sy_cli_report(int argc, char **argv);
int sy_cli_watch(int argc, char **argv);
int sy_cli_bench(int argc, char **argv);
int sy_cli_new(int argc, char **argv);
int sy_cli_replay(int argc, char **argv);
int sy_cli_probe(int argc, char **argv);
int sy_cli_list(int argc, char **argv);
int sy_cli_help(int argc, char **argv);
int sy_cli_convert(int argc, char **argv);
int sy_cli_eval(int argc, char **argv);
int sy_cli_predict(int argc, char **argv);

/* The program: picks the command by argv[1]. */
int sy_cli_main(int argc, char **argv);

#endif
