/* weights_find.c - which file a run folder, a checkpoint or a path means. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weights_file.h"

#define ENDING ".safetensors"

static bool is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Whether a file holds a node's weights, by its name; the node's name into `node`. */
static bool names_weights(char *node, size_t room, const char *file) {
    const char *end = strstr(file, ENDING);
    if (!end || end == file || end[strlen(ENDING)] || strchr(file, '.') != end || !strcmp(file, "plugins" ENDING)) {
        return false;
    }
    snprintf(node, room, "%.*s", (int)(end - file), file);
    return true;
}

/* ---- whose weights ----------------------------------------------------------------------------------------------- */

struct nodes {
    char only[256]; /* the one there is */
    char all[1024]; /* "teacher, student" */
    size_t count;
};

static void list_nodes(struct nodes *nodes, const char *folder) {
    char node[256];
    DIR *entries = opendir(folder);
    *nodes = (struct nodes){.count = 0};
    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
        if (names_weights(node, sizeof node, entry->d_name)) {
            size_t used = strlen(nodes->all);
            snprintf(nodes->all + used, sizeof nodes->all - used, "%s%s", nodes->count ? ", " : "", node);
            snprintf(nodes->only, sizeof nodes->only, "%s", node);
            nodes->count++;
        }
    }
    if (entries) {
        closedir(entries);
    }
}

/* The one student of a run's config; NULL: none, or several. */
static const char *only_student(const struct sy_setting *config) {
    const struct sy_setting *nodes = config ? sy_setting_find(config, "nodes") : NULL;
    const char *found = NULL;
    size_t count = 0;
    for (size_t i = 0; nodes && i < nodes->n_children; i++) {
        const struct sy_setting *role = sy_setting_find(nodes->children[i], "role");
        if (role && role->kind == SY_SETTING_STRING && !strcmp(role->string, "student")) {
            found = nodes->children[i]->name;
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

/* The node whose weights in `folder` are meant: the one named, the only one, or the run's only student. `run` NULL: no
 * run folder is known. */
static bool choose_node(char *out, size_t room, const struct sy_weights_wish *wish, const char *run, const char *folder,
                        struct sy_problems *problems) {
    struct nodes nodes;
    list_nodes(&nodes, folder);
    if (wish->node) {
        snprintf(out, room, "%s", wish->node);
    } else if (nodes.count == 1) {
        snprintf(out, room, "%s", nodes.only);
    } else {
        char config_path[4200];
        struct sy_problems *quiet = sy_problems_create();
        snprintf(config_path, sizeof config_path, "%s/run.cfg", run ? run : folder);
        struct sy_setting *config = quiet ? sy_setting_read(config_path, quiet) : NULL;
        const char *student = only_student(config);
        snprintf(out, room, "%s", student ? student : "");
        sy_setting_destroy(config);
        sy_problems_destroy(quiet);
    }
    char path[4608];
    snprintf(path, sizeof path, "%s/%s" ENDING, folder, out);
    if (*out && !strchr(out, '/') && access(path, F_OK) == 0) {
        return true;
    }
    if (!nodes.count) {
        sy_problem_in(problems, folder, 0, "holds no node's weights");
    } else if (wish->node) {
        sy_problem_in(problems, folder, 0, "has no weights of node \"%s\"; there are %s", wish->node, nodes.all);
    } else {
        sy_problem_in(problems, folder, 0, "holds weights of %s; --node says whose are meant", nodes.all);
    }
    return false;
}

/* ---- which folder ------------------------------------------------------------------------------------------------ */

/* The highest step with a finished checkpoint; -1: none. */
static long long last_step(const char *checkpoints) {
    long long last = -1;
    DIR *entries = opendir(checkpoints);
    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
        char *end, complete[4608];
        long long step = strtoll(entry->d_name, &end, 10);
        snprintf(complete, sizeof complete, "%s/%s/complete", checkpoints, entry->d_name);
        if (end != entry->d_name && !*end && step > last && access(complete, F_OK) == 0) {
            last = step;
        }
    }
    if (entries) {
        closedir(entries);
    }
    return last;
}

/* The folder of a run in which the wanted weights lie. */
static bool choose_checkpoint(char *out, size_t room, const struct sy_weights_wish *wish,
                              struct sy_problems *problems) {
    char checkpoints[4200];
    snprintf(checkpoints, sizeof checkpoints, "%.4000s/checkpoints", wish->source);
    const char *which = wish->checkpoint ? wish->checkpoint : "best";
    if (!wish->checkpoint) {
        snprintf(out, room, "%s/best", checkpoints);
        which = is_folder(out) ? "best" : "last";
    }
    long long last = last_step(checkpoints);
    if (!strcmp(which, "last") && last >= 0) {
        snprintf(out, room, "%s/%lld", checkpoints, last);
        return true;
    }
    snprintf(out, room, "%s/%s", checkpoints, which);
    if (!strchr(which, '/') && is_folder(out)) {
        return true;
    }
    sy_problem_in(problems, wish->source, 0, "has no checkpoint \"%s\"; its newest is %lld (-1: none yet)", which,
                  last);
    return false;
}

bool sy_weights_find(char *path, size_t room, const struct sy_weights_wish *wish, struct sy_problems *problems) {
    char folder[4400], inside[4200], node[256], file[4700], real[PATH_MAX];
    snprintf(inside, sizeof inside, "%.4000s/run.cfg", wish->source);
    bool run = access(inside, F_OK) == 0;
    if (!is_folder(wish->source)) {
        snprintf(file, sizeof file, "%s", wish->source);
    } else {
        snprintf(folder, sizeof folder, "%.4000s", wish->source);
        if ((run && !choose_checkpoint(folder, sizeof folder, wish, problems)) ||
            !choose_node(node, sizeof node, wish, run ? wish->source : NULL, folder, problems)) {
            return false;
        }
        snprintf(file, sizeof file, "%s/%s" ENDING, folder, node);
    }
    if (!realpath(file, real) || strlen(real) >= room) {
        sy_problem_in(problems, file, 0, "cannot be found; give a run folder, a checkpoint or a safetensors file");
        return false;
    }
    snprintf(path, room, "%s", real);
    return true;
}
