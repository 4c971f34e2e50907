/* Checkpoints, in parts: state.json, `complete`, and a file of weights. An empty `complete` is made right, so that a
 * state with its hash is read, too. What is accepted names only files of its own folder, and all of them are there. */
#include <jansson.h>

#include "parts.h"
#include "record/checkpoint.h"
#include "record/checkpoint_folder.h"

static void prepare(void) {
    static int prepared;
    if (!prepared) {
        make_folder("checkpoints");
        make_folder("checkpoints/5");
        write_part("run.cfg", (struct part){(const uint8_t *)"\n", 1});
        prepared = 1;
    }
}

/* "HASH  state.json" of the state that is there. */
static void complete(void) {
    char path[PATH_MAX], hash[33], text[SY_CHECKPOINT_COMPLETE_ROOM];
    struct sy_error err = {.size = sizeof err};
    snprintf(path, sizeof path, "%s/checkpoints/5/state.json", scratch_folder());
    if (sy_hash_file(hash, path, &err) == SY_OK) {
        sy_checkpoint_complete_text(text, hash);
        write_part("checkpoints/5/complete", (struct part){(const uint8_t *)text, strlen(text)});
    }
}

static void expect_whole(const struct sy_checkpoint *found) {
    const char *name;
    json_t *hash;
    char path[PATH_MAX];
    EXPECT(found->step == 5 && json_is_object(json_object_get(found->state, "files")));
    json_object_foreach(json_object_get(found->state, "files"), name, hash) {
        snprintf(path, sizeof path, "%s/checkpoints/5/%s", scratch_folder(), name);
        EXPECT(!strchr(name, '/') && json_is_string(hash) && access(path, R_OK) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct sy_run_folder *folder;
    struct sy_checkpoint found;
    struct sy_error err = {.size = sizeof err};
    char *notes = NULL;
    prepare();
    write_part("checkpoints/5/state.json", next_part(&bytes, &count, 0));
    struct part given = next_part(&bytes, &count, 0);
    write_part("checkpoints/5/complete", given);
    if (given.count <= 1) {
        complete();
    }
    write_part("checkpoints/5/a.safetensors", next_part(&bytes, &count, 1));
    EXPECT(sy_run_folder_open(&folder, scratch_folder(), true, &err) == SY_OK);
    int status = sy_checkpoint_newest(&found, &notes, folder, &err);
    if (status == SY_OK) {
        EXPECT(!notes);
        expect_whole(&found);
    } else {
        EXPECT(!found.state && !found.path && notes && !strchr(notes, '\n') && err.code == status);
    }
    sy_checkpoint_finish(&found);
    sy_run_folder_close(folder);
    free(notes);
    return 0;
}
