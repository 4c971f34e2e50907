/* test_short_names.c - networks in one word: what "wrn-16-2" puts into a group, and what is told about wrong words. */
#include <criterion/criterion.h>
#include <string.h>

#include "host/short_name.h"
#include <switchyard/network.h>

/* The group that `word` makes, as text; or the problem. */
static void read_word(char *out, size_t room, const char *word) {
    struct sy_problems *problems = sy_problems_create();
    struct sy_registry *registry = sy_registry_create("/bin/sh");
    struct sy_setting *root = sy_setting_read_text("", "test", problems);
    memset(out, 0, room);
    if (sy_short_name_read(root, registry, SY_NETWORK, word, "--net", problems)) {
        FILE *stream = fmemopen(out, room - 1, "w");
        cr_assert(stream && sy_setting_write(root, stream) && fclose(stream) == 0);
        cr_expect_eq(sy_problems_count(problems), 0);
    } else {
        cr_assert_eq(sy_problems_count(problems), 1);
        snprintf(out, room, "%s", sy_problems_text(problems, 0));
    }
    sy_setting_destroy(root);
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
}

static void expect(const char *word, const char *group) {
    char text[1024];
    read_word(text, sizeof text, word);
    cr_expect_str_eq(text, group, "%s:\n%s", word, text);
}

Test(short_names, numbers_become_the_parameters_in_their_order) {
    expect("wrn-16-2", "plugin = \"wrn\";\ndepth = 16;\nwidth = 2;\n");
    expect("resnet-20", "plugin = \"resnet_cifar\";\ndepth = 20;\n");
    expect("mobilenetv2-0.5", "plugin = \"mobilenetv2\";\nwidth = 0.5;\n");
    expect("resnet-34", "plugin = \"resnet\";\ndepth = 34;\n");
    expect("vgg-8", "plugin = \"vgg\";\ndepth = 8;\n");
    expect("shufflenetv2-0.5", "plugin = \"shufflenetv2\";\nwidth = 0.5;\n");
    expect("densenet-12-6-12-24", "plugin = \"densenet\";\ngrowth = 12;\nblocks = [6, 12, 24];\n");
    expect("mobilenet-0.5", "plugin = \"mobilenet\";\nwidth = 0.5;\n");
    expect("mlp-64-32", "plugin = \"mlp\";\nhidden = [64, 32];\n");
}

Test(short_names, what_is_left_out_keeps_its_default) {
    expect("wrn-40", "plugin = \"wrn\";\ndepth = 40;\n");
    expect("wrn", "plugin = \"wrn\";\n");
    expect("mlp", "plugin = \"mlp\";\n");
}

Test(short_names, a_plugin_answers_to_its_own_name_too) {
    expect("resnet_cifar-32", "plugin = \"resnet_cifar\";\ndepth = 32;\n");
}

Test(short_names, plugins_that_share_a_word_share_out_the_numbers) {
    expect("resnet-18", "plugin = \"resnet\";\ndepth = 18;\n");
    expect("resnet-110", "plugin = \"resnet_cifar\";\ndepth = 110;\n");
    expect("resnet-19", "plugin = \"resnet\";\ndepth = 19;\n"); /* nobody's: told where the group is read */
    expect("resnet_cifar-18", "plugin = \"resnet_cifar\";\ndepth = 18;\n");
}

Test(short_names, wrong_words_are_told_with_what_would_be_right) {
    const char *unknown = "--net: no network is called \"wnr\"; did you mean \"wrn\"? (known: ";
    char text[1024];
    read_word(text, sizeof text, "wnr-16-2");
    cr_expect_eq(strncmp(text, unknown, strlen(unknown)), 0, "%s", text);
    cr_expect(strstr(text, "densenet-{growth}-{blocks}, ") && strstr(text, ", resnet-{depth}, ") &&
                  strstr(text, ", wrn-{depth}-{width})"),
              "%s", text);
    expect("wrn-16-2-1", "--net: has more numbers than wrn-{depth}-{width} takes");
    expect("wrn-big", "--net: \"big\" is no number; wrn-{depth}-{width} takes one for depth");
    expect("wrn--2", "--net: \"\" is no number; wrn-{depth}-{width} takes one for depth");
    expect("wrn-nan", "--net: \"nan\" is no number; wrn-{depth}-{width} takes one for depth");
    expect("mlp-3-", "--net: \"\" is no number; mlp-{hidden} takes one for hidden");
}
