/* Configs: a tree or a problem, never both or neither; a tree that is written reads back as the same text. */
#include "config/setting.h"
#include "target.h"

static char *written(const struct sy_setting *root) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    EXPECT(out && sy_setting_write(root, out) && fclose(out) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char *text = as_text(bytes, count);
    struct sy_problems *problems = sy_problems_create();
    EXPECT(problems);
    struct sy_setting *root = sy_setting_read_text(text, "fuzz.cfg", problems);
    EXPECT((root == NULL) == (sy_problems_count(problems) > 0));
    for (size_t i = 0; i < sy_problems_count(problems); i++) {
        EXPECT(!strchr(sy_problems_text(problems, i), '\n'));
    }
    if (root) {
        char *once = written(root);
        struct sy_setting *again = sy_setting_read_text(once, "again.cfg", problems);
        EXPECT(again);
        char *twice = written(again);
        EXPECT(!strcmp(once, twice));
        free(twice);
        free(once);
        sy_setting_destroy(again);
    }
    sy_setting_destroy(root);
    sy_problems_destroy(problems);
    free(text);
    return 0;
}
