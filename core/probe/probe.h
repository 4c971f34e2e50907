/* probe.h - the examination of plugins: does one keep the promises of its header?
 *
 * Items are printed one a line as they are found out. An item that fails is a broken promise; one that is skipped could
 * not be examined, with the reason. */
#ifndef SY_PROBE_PROBE_H
#define SY_PROBE_PROBE_H

#include "../host/plugins.h"

struct sy_probe_result {
    int32_t passed, failed, skipped;
};

/* Examines every plugin of a file (an absolute path) in a process of its own, so that a crash is a finding.
 * `config`: where plugins are searched for their settings, at any depth; NULL: defaults. `limit`: seconds a call may
 * take. Fails only if there is no such process to be had. */
int sy_probe(struct sy_probe_result *out, const char *path, const struct sy_setting *config, int64_t limit,
             struct sy_error *err);

#endif
