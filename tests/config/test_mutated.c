/* Damaged configs: whatever is in a text, reading ends with a tree or with a problem, and a tree can be written. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "config/setting.h"

static const char *const seeds[] = {
    "seed = 7;\ntrain : { epochs = 300; rate = 0.1; steps = [60, 120, 180]; on = true; };\n",
    "nodes : { teacher : { plugin = \"wrn\"; depth = 40; big = 0x7fffL; }; };\npolicies = ( { kind = \"a\"; }, 1, "
    "2.5e-3 );\n",
    "# comment\n@include \"nowhere.cfg\"\ntext = \"a\\\"b\\\\c\\n\" \"joined\"; /* more */ empty = (); neg = -1; // "
    "end\n",
};

static uint64_t draw(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Changes, drops, doubles or inserts a few letters. */
static void damage(char *text, size_t room, uint64_t *state) {
    static const char odd[] = "{}[]()=:;,\"\\#/*@.+-0123456789eELxn\n\t \x01\xff";
    for (uint64_t edits = 1 + draw(state) % 6; edits > 0; edits--) {
        size_t length = strlen(text), at = length ? draw(state) % length : 0;
        char letter = odd[draw(state) % (sizeof odd - 1)];
        uint64_t way = draw(state) % 4;
        if (!length) {
            return;
        }
        if (way == 0) {
            text[at] = letter;
        } else if (way == 1) {
            memmove(text + at, text + at + 1, length - at);
        } else if (way == 2 && length + 2 < room) {
            memmove(text + at + 1, text + at, length - at + 1);
            text[at] = letter;
        } else if (way == 3) {
            text[at] = 0;
        }
    }
}

Test(mutated, ends_with_a_tree_or_a_problem) {
    uint64_t state = 20220701;
    size_t trees = 0;
    for (int i = 0; i < 2000; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s", seeds[i % 3]);
        damage(text, sizeof text, &state);
        struct sy_problems *problems = sy_problems_create();
        struct sy_setting *root = sy_setting_read_text(text, "mutated.cfg", problems);
        cr_assert_eq(root == NULL, sy_problems_count(problems) > 0, "%d: %s", i, text);
        if (root) {
            char *written = NULL;
            size_t size;
            FILE *out = open_memstream(&written, &size);
            cr_assert(sy_setting_write(root, out));
            fclose(out);
            struct sy_setting *again = sy_setting_read_text(written, "again.cfg", problems);
            cr_assert_not_null(again, "%d: %s\n%s", i, written, sy_problems_text(problems, 0));
            sy_setting_destroy(again);
            free(written);
            trees++;
        }
        sy_setting_destroy(root);
        sy_problems_destroy(problems);
    }
    cr_assert_gt(trees, 50);
    cr_assert_lt(trees, 1950);
}
