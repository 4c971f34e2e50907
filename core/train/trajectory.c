/* trajectory.c - see trajectory.h. */
#include "trajectory.h"

#include <inttypes.h>

#include "snapshot.h"

bool sy_trajectory_has(const struct sy_train_settings *train, int64_t epochs) {
    bool has = train->snapshot_every > 0 && epochs % train->snapshot_every == 0;
    for (size_t i = 0; i < train->snapshots.count && !has; i++) {
        has = train->snapshots.at[i] == epochs;
    }
    return has;
}

int sy_trajectory_keep(const struct sy_cohort *cohort, struct sy_run_folder *folder, int64_t epochs,
                       struct sy_error *err) {
    const struct sy_experiment *experiment = cohort->experiment;
    char name[512];
    if (!sy_trajectory_has(&experiment->train, epochs)) {
        return SY_OK;
    }
    snprintf(name, sizeof name, "snapshots/%" PRId64, epochs);
    int status = sy_make_folders(sy_run_folder_file(folder, name), err);
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        snprintf(name, sizeof name, "snapshots/%" PRId64 "/%s.safetensors", epochs, experiment->nodes[i].name);
        status = sy_snapshot_weights(cohort, i, sy_run_folder_file(folder, name), err);
    }
    return status;
}
