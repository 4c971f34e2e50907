/* weights.c - see weights.h. */
#include "weights.h"

#include <stdlib.h>
#include <string.h>

size_t sy_param_count(const struct sy_param *param) {
    size_t count = 1;
    for (int32_t d = 0; d < param->rank; d++) {
        count *= (size_t)param->shape[d];
    }
    return count;
}

struct sy_tensor sy_param_tensor(const struct sy_param *param, int32_t dtype, void *data) {
    struct sy_tensor tensor = {.size = sizeof tensor, .dtype = dtype, .rank = param->rank, .data = data};
    for (int32_t d = 0; d < param->rank; d++) {
        tensor.shape[d] = param->shape[d];
    }
    return tensor;
}

static void shape_text(char *out, size_t room, const int64_t *shape, int32_t rank) {
    size_t used = (size_t)snprintf(out, room, "[");
    for (int32_t d = 0; d < rank && used < room; d++) {
        used += (size_t)snprintf(out + used, room - used, d ? ", %lld" : "%lld", (long long)shape[d]);
    }
    if (used < room) {
        snprintf(out + used, room - used, "]");
    }
}

static const struct sy_param *find_param(const struct sy_graph *graph, const char *name) {
    for (int32_t i = 0; i < graph->n_params; i++) {
        if (!strcmp(graph->params[i]->name, name)) {
            return graph->params[i];
        }
    }
    return NULL;
}

static void check_param(const struct sy_param *param, const struct sy_named_tensor *there, const char *path,
                        const struct sy_setting *at, struct sy_problems *problems) {
    char wanted[96], found[96];
    shape_text(wanted, sizeof wanted, param->shape, param->rank);
    if (!there) {
        sy_problem(problems, at, "%s has no tensor \"%s\" %s", path, param->name, wanted);
        return;
    }
    shape_text(found, sizeof found, there->tensor.shape, there->tensor.rank);
    if (strcmp(wanted, found) != 0) {
        sy_problem(problems, at, "%s: \"%s\" is %s, must be %s", path, param->name, found, wanted);
    } else if (there->tensor.dtype != SY_F32) {
        sy_problem(problems, at, "%s: \"%s\" must be of type F32", path, param->name);
    }
}

void sy_weights_check(const char *path, const struct sy_graph *graph, const struct sy_setting *at,
                      struct sy_problems *problems) {
    struct sy_safetensors *file;
    struct sy_error err = {.size = sizeof err};
    if (sy_safetensors_open(&file, path, &err) != SY_OK) {
        sy_problem(problems, at, "%s", err.text);
        return;
    }
    for (int32_t i = 0; i < graph->n_params; i++) {
        const struct sy_param *param = graph->params[i];
        check_param(param, sy_safetensors_find(file, param->name), path, at, problems);
    }
    for (size_t i = 0; i < sy_safetensors_count(file); i++) {
        const char *name = sy_safetensors_at(file, i)->name, *dot = strrchr(name, '.');
        if (!find_param(graph, name) && strcmp(dot ? dot : name, ".num_batches_tracked") != 0) {
            sy_problem(problems, at, "%s: \"%s\" is no tensor of this network", path, name);
        }
    }
    sy_safetensors_close(file);
}

void sy_weights_match(const struct sy_graph *from, const char *whose, const struct sy_graph *graph,
                      const struct sy_setting *at, struct sy_problems *problems) {
    for (int32_t i = 0; i < graph->n_params; i++) {
        const struct sy_param *param = graph->params[i], *there = find_param(from, param->name);
        struct sy_named_tensor tensor = {0};
        if (there) {
            tensor.tensor = sy_param_tensor(there, SY_F32, NULL);
        }
        check_param(param, there ? &tensor : NULL, whose, at, problems);
    }
    for (int32_t i = 0; i < from->n_params; i++) {
        if (!find_param(graph, from->params[i]->name)) {
            sy_problem(problems, at, "%s: \"%s\" is no tensor of this network", whose, from->params[i]->name);
        }
    }
}

int sy_weights_load(const struct sy_backend_ops *backend, struct sy_plan *plan, const struct sy_graph *graph,
                    const char *path, struct sy_error *err) {
    struct sy_safetensors *file;
    int status = sy_safetensors_open(&file, path, err);
    if (status != SY_OK) {
        return status;
    }
    for (int32_t i = 0; i < graph->n_params && status == SY_OK; i++) {
        const struct sy_named_tensor *there = sy_safetensors_find(file, graph->params[i]->name);
        if (!there || sy_tensor_count(&there->tensor) != sy_param_count(graph->params[i])) {
            status = sy_fail(err, SY_EINVAL, "%s: no fitting tensor \"%s\"", path, graph->params[i]->name);
        } else {
            status = backend->set(plan, SY_PARAMETER_VALUE, i, &there->tensor, err);
        }
    }
    sy_safetensors_close(file);
    return status;
}
