/* fields.h - field tables (plugin.h) at work: a group of settings into a struct, defaults, ranges, unknown keys. Used
 * for plugins and for the core's own tables (data, train, optimizer, ...) alike. */
#ifndef SY_CONFIG_FIELDS_H
#define SY_CONFIG_FIELDS_H

#include <switchyard/plugin.h>

#include "setting.h"

/* Memory that lives as long as a run: strings and lists that fields point to. */
struct sy_arena;
struct sy_arena *sy_arena_create(void);
void sy_arena_destroy(struct sy_arena *arena);
void *sy_arena_take(struct sy_arena *arena, size_t bytes); /* zeroed; NULL when memory is used up */
/* Whether it ever was: for those who went on without. */
bool sy_arena_was_short(const struct sy_arena *arena);
/* Says so for memory that is not the arena's. */
void sy_arena_note_short(struct sy_arena *arena);
char *sy_arena_text(struct sy_arena *arena, const char *text);

/* One table: rows of `field_size` bytes each (0: this build's), up to the row without a name. */
struct sy_table {
    const struct sy_field *fields; /* NULL: empty */
    uint32_t field_size;
};

/* Row `index` copied into *out, members it does not have zeroed; false after the last. */
bool sy_table_row(const struct sy_table *table, size_t index, struct sy_field *out);

/* Fills the PARAMETER members of `self` from `group` (NULL: all defaults), marking settings as used. Wrong type, out of
 * range, not among the choices, required but missing: a problem each, with what would be right. Integers are accepted
 * for doubles. SY_PATH strings become absolute, relative to the file they were written in (to the working folder for
 * --set). Values that were not given are added to the group as its defaults, so that writing the tree gives the complete
 * config. False if there was a problem. */
bool sy_fields_read(void *self, const struct sy_table *table, struct sy_setting *group, struct sy_arena *arena,
                    struct sy_problems *problems);

/* After all tables of a group were read: every child not marked as used is a problem, with the nearest name that
 * `tables` and `names` (other keys of that group, NULL-terminated, may be NULL) know. Children from a lower layer than
 * the group's `plugin` or `kind` are dropped instead. */
void sy_fields_finish(struct sy_setting *group, const struct sy_table *const *tables, size_t n_tables,
                      const char *const *names, struct sy_problems *problems);

/* Whether a table is sane (names, types, defaults inside ranges, choices there): for the plugin host. */
int sy_table_check(const struct sy_table *table, size_t self_size, struct sy_error *err);

/* The table as help text: name, type, default, range, unit, doc, reference; one row a field. */
void sy_table_print(const struct sy_table *table, FILE *out);
/* Words of help, from a column on, in lines of at most 112, those after the first behind `blanks`; a word that is longer has
 * a line of its own. Ends without a newline. */
void sy_words_print(const char *text, int column, int blanks, FILE *out);

#endif
