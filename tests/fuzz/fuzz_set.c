/* --set: lines of assignments laid over a small config; what fails is a problem, and the tree stays one that can be
 * written and laid over another. */
#include "config/setting.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char *text = as_text(bytes, count), *rest = NULL;
    struct sy_problems *problems = sy_problems_create();
    EXPECT(problems);
    struct sy_setting *root =
        sy_setting_read_text("a: { b = 1; c = [1, 2]; }; plugin = \"x\"; d = 0.5;", "base.cfg", problems);
    EXPECT(root);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        size_t before = sy_problems_count(problems);
        bool good = sy_setting_assign(root, line, 2, problems);
        EXPECT(good == (sy_problems_count(problems) == before));
    }
    struct sy_setting *copy = sy_setting_copy(root);
    FILE *out = fopen("/dev/null", "w");
    EXPECT(copy && sy_setting_overlay(copy, root, 3) && out && sy_setting_write(copy, out));
    fclose(out);
    sy_setting_destroy(copy);
    sy_setting_destroy(root);
    sy_problems_destroy(problems);
    free(text);
    return 0;
}
