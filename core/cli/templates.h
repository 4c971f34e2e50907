/* templates.h - the files that `switchyard new` starts from, inside the program: plugins/templates, put there by its
 * embed.py. */
#ifndef SY_CLI_TEMPLATES_H
#define SY_CLI_TEMPLATES_H

struct sy_template {
    const char *path; /* "policy/my_plugin.c": a kind's word, or "all" */
    const char *text;
};

/* Ends with a path of NULL. */
extern const struct sy_template sy_templates[];

#endif
