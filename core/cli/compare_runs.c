/* compare_runs.c - see compare_runs.h. */
#include "compare_runs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../record/run_folder.h"
#include "board.h"
#include "jobs.h"

#define SY_MOST_JOBS 64

/* All jobs at work. */
struct pool {
    struct sy_compare *compare;
    struct sy_job jobs[SY_MOST_JOBS]; /* context: the run */
    struct sy_board board;
    double drawn; /* when the board was last */
    bool stopping;
};

size_t sy_compare_count(const struct sy_compare *compare, enum sy_compare_state state) {
    size_t count = 0;
    for (size_t r = 0; r < compare->n_runs; r++) {
        count += compare->runs[r].state == state;
    }
    return count;
}

static void title(char *out, size_t room, const struct pool *pool, const struct sy_compare_run *run) {
    snprintf(out, room, "%s seed %lld", sy_suite_variant_name(pool->compare->suite, run->variant),
             (long long)run->seed);
}

/* ---- what a person sees ----------------------------------------------------------------------------------------- */

SY_PRINTF(3, 4)
static void say(struct pool *pool, const struct sy_compare_run *run, const char *format, ...) {
    char line[4096];
    va_list args;
    if (pool->compare->quiet) {
        return;
    }
    title(line, sizeof line, pool, run);
    size_t used = strlen(line);
    used += (size_t)snprintf(line + used, sizeof line - used, "  ");
    va_start(args, format);
    vsnprintf(line + used, sizeof line - used, format, args);
    va_end(args);
    sy_board_say(&pool->board, line);
}

/* Seconds until all runs are done, from what those of this session took for their shares; negative: too early to say. */
static double time_left(const struct sy_compare *compare, double now) {
    double seconds = 0, done = 0, missing = 0;
    int unfinished = 0;
    for (size_t r = 0; r < compare->n_runs; r++) {
        const struct sy_compare_run *run = &compare->runs[r];
        bool works = run->state == SY_RUN_WORKS;
        if (run->share >= 0 && (works || run->state == SY_RUN_DONE)) {
            seconds += works ? now - run->began : run->seconds;
            done += run->share - run->first;
        }
        if (works || run->state == SY_RUN_WAITS) {
            missing += 1 - (run->share > 0 ? run->share : 0);
            unfinished++;
        }
    }
    int at_once = unfinished < compare->jobs ? unfinished : compare->jobs;
    return done > 0 && at_once ? seconds / done * missing / at_once : -1;
}

/* A line for every run at work, and one for the suite. */
static void draw(struct pool *pool) {
    const struct sy_compare *compare = pool->compare;
    char lines[SY_MOST_JOBS + 1][1024], left[32];
    const char *shown[SY_MOST_JOBS + 1];
    double now = sy_seconds_now(), seconds = time_left(compare, now);
    int count = 0;
    if (compare->quiet || !pool->board.terminal || now - pool->drawn < 0.1) {
        return;
    }
    for (size_t j = 0; j < SY_MOST_JOBS; j++) {
        if (pool->jobs[j].pid) {
            const struct sy_compare_run *run = pool->jobs[j].context;
            char name[256];
            title(name, sizeof name, pool, run);
            snprintf(lines[count], sizeof lines[count], "%-20s  %s", name, run->live[0] ? run->live : "starts");
            shown[count] = lines[count];
            count++;
        }
    }
    snprintf(lines[count], sizeof lines[count], "%zu of %zu done, %d at work, %zu failed; left %s%s",
             sy_compare_count(compare, SY_RUN_DONE) + sy_compare_count(compare, SY_RUN_WAS_DONE), compare->n_runs,
             count, sy_compare_count(compare, SY_RUN_FAILED),
             seconds >= 0 ? sy_duration_text(left, sizeof left, seconds) : "?",
             pool->stopping ? "; stopping, each writes a checkpoint (Ctrl-C again: at once)" : "");
    shown[count] = lines[count];
    sy_board_show(&pool->board, shown, count + 1);
    pool->drawn = now;
}

/* ---- what jobs tell --------------------------------------------------------------------------------------------- */

/* The last line of a job that was held, as it may be what the job fails with. */
static void say_reason(struct pool *pool, struct sy_compare_run *run) {
    if (run->held) {
        run->held = false;
        say(pool, run, "%s", run->reason);
    }
}

static void on_line(void *context, struct sy_job *job, const char *line) {
    struct pool *pool = context;
    struct sy_compare_run *run = job->context;
    char *words;
    if (line[0] == SY_WIRE && line[1] == 'S') {
        say_reason(pool, run);
        run->share = strtod(line + 2, &words);
        run->first = run->first < 0 ? run->share : run->first;
        snprintf(run->live, sizeof run->live, "%s", words + (*words == ' '));
    } else if (line[0] == SY_WIRE && line[1] == 'L') {
        say_reason(pool, run);
        say(pool, run, "%s", line + 2);
    } else if (line[0]) {
        static const char own[] = "switchyard: ";
        say_reason(pool, run);
        snprintf(run->reason, sizeof run->reason, "%s",
                 strncmp(line, own, sizeof own - 1) == 0 ? line + sizeof own - 1 : line);
        run->held = true;
    }
}

/* For reports: why the folder has no result. Without it they say that the run is unfinished, which is true too. */
static void note_failure(const struct sy_compare_run *run) {
    char path[4200];
    struct sy_error ignored = {.size = sizeof ignored};
    snprintf(path, sizeof path, "%s/failure.json", run->folder);
    if (access(run->folder, F_OK) == 0 && access(path, F_OK) != 0) { /* the run itself may have said more */
        sy_write_json(path, json_pack("{s:s}", "reason", run->reason), &ignored);
    }
}

static bool has_result(const struct sy_compare_run *run) {
    char path[4200];
    snprintf(path, sizeof path, "%s/result.json", run->folder);
    return access(path, F_OK) == 0;
}

static void on_end(void *context, struct sy_job *job, int how) {
    struct pool *pool = context;
    struct sy_compare_run *run = job->context;
    int code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    char took[32];
    run->seconds = sy_seconds_now() - run->began;
    bool failed = WIFEXITED(how) && code != SY_EXIT_OK && code != SY_EXIT_INTERRUPTED;
    if (!failed) {
        say_reason(pool, run);
    }
    if (code == SY_EXIT_OK && has_result(run)) {
        run->state = SY_RUN_DONE;
        run->first = run->first < 0 ? 0 : run->first;
        run->share = 1;
        say(pool, run, "finished in %s; %zu of %zu done", sy_duration_text(took, sizeof took, run->seconds),
            sy_compare_count(pool->compare, SY_RUN_DONE) + sy_compare_count(pool->compare, SY_RUN_WAS_DONE),
            pool->compare->n_runs);
    } else if (code == SY_EXIT_INTERRUPTED || (pool->stopping && WIFSIGNALED(how))) {
        run->state = SY_RUN_HALTED;
    } else {
        run->state = SY_RUN_FAILED;
        if (WIFSIGNALED(how)) {
            snprintf(run->reason, sizeof run->reason, "its process died of signal %d (%s)", WTERMSIG(how),
                     strsignal(WTERMSIG(how)));
        } else if (!run->reason[0]) {
            snprintf(run->reason, sizeof run->reason, "its process ended with code %d and without a word", code);
        }
        say(pool, run, "failed: %s", run->reason);
        note_failure(run);
    }
}

/* ---- starting --------------------------------------------------------------------------------------------------- */

static int start(struct pool *pool, struct sy_job *job, struct sy_compare_run *run, struct sy_error *err) {
    const struct sy_compare *compare = pool->compare;
    char only[300], path[4200];
    char *argv[2 * SY_MAX_ASSIGNMENTS + 16];
    size_t n = 0;
    snprintf(only, sizeof only, "%s:%lld", sy_suite_variant_name(compare->suite, run->variant), (long long)run->seed);
    const char *const fixed[] = {"switchyard", "compare", compare->suite_file, "--out", compare->folder, "--only",
                                 only,         "--wire"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        argv[n++] = (char *)(uintptr_t)fixed[i];
    }
    if (compare->untrusted) {
        argv[n++] = (char *)(uintptr_t) "--untrusted";
    }
    if (compare->tensorboard) {
        argv[n++] = (char *)(uintptr_t) "--tensorboard";
    }
    for (int i = 0; i < compare->set->count; i++) {
        argv[n++] = (char *)(uintptr_t) "--set";
        argv[n++] = (char *)(uintptr_t)compare->set->at[i];
    }
    argv[n] = NULL;
    snprintf(path, sizeof path, "%s/failure.json", run->folder);
    unlink(path);
    run->reason[0] = run->live[0] = 0;
    run->first = run->share = -1;
    run->began = sy_seconds_now();
    job->context = run;
    int status = sy_job_start(job, argv, err);
    run->state = status == SY_OK ? SY_RUN_WORKS : run->state;
    return status;
}

/* Fills free places. */
static int start_some(struct pool *pool, struct sy_error *err) {
    struct sy_compare *compare = pool->compare;
    size_t places = (size_t)(compare->jobs < SY_MOST_JOBS ? compare->jobs : SY_MOST_JOBS), next = 0;
    int status = SY_OK;
    for (size_t j = 0; j < places && status == SY_OK; j++) {
        while (next < compare->n_runs && compare->runs[next].state != SY_RUN_WAITS) {
            next++;
        }
        if (!pool->jobs[j].pid && next < compare->n_runs) {
            status = start(pool, &pool->jobs[j], &compare->runs[next], err);
        }
    }
    return status;
}

int sy_compare_train(struct sy_compare *compare, struct sy_error *err) {
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return sy_fail(err, SY_ENOMEM, "no memory to run a suite");
    }
    const struct sy_job_events events = {on_line, on_end, pool};
    int status = SY_OK;
    pool->compare = compare;
    sy_board_init(&pool->board, stdout);
    do {
        if (status == SY_OK && !pool->stopping) {
            status = start_some(pool, err);
        }
        if ((sy_interrupted || status != SY_OK) && !pool->stopping) {
            pool->stopping = true;
            sy_jobs_signal(pool->jobs, SY_MOST_JOBS, SIGTERM);
        }
        draw(pool);
        if (sy_compare_count(compare, SY_RUN_WORKS)) {
            sy_jobs_wait(pool->jobs, SY_MOST_JOBS, 500, &events);
        }
    } while (sy_compare_count(compare, SY_RUN_WORKS) ||
             (!pool->stopping && status == SY_OK && sy_compare_count(compare, SY_RUN_WAITS)));
    sy_board_clear(&pool->board);
    free(pool);
    return status;
}
