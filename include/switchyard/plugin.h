/* plugin.h - how a shared object tells Switchyard what it offers.
 *
 * A plugin file exports one data symbol, `sy_plugins_1`: a NULL-terminated array of descriptors. No code of a plugin
 * runs before its descriptor was read and found sane; there are no constructors, no init or deinit of the file. The
 * `1` in the name is the major version of this border.
 *
 * Rules of growth. Every struct that crosses the border starts with its own size, written by the compiler; members
 * are only ever appended; the reader copies min(theirs, ours) into a zeroed struct, so a member that is not there is
 * 0 or NULL, and 0 or NULL always means "the default". A changed meaning gets a new kind ("policy/2").
 *
 * Threads. A comment ends with [owner] (one thread at a time per instance; the rule where nothing is said), [any]
 * (reentrant) or [load] (descriptor data). Plugins start no threads of their own and keep no global mutable data;
 * parallel loops go through the host (host.h).
 *
 * A plugin needs nothing but these headers: it links against nothing of Switchyard's. */
#ifndef SWITCHYARD_PLUGIN_H
#define SWITCHYARD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- values a parameter can have ------------------------------------------------------------------------------ */

/* Lists from the config. Owned by the core, valid as long as the instance. */
struct sy_ints {
    const int64_t *at;
    size_t count;
};
struct sy_doubles {
    const double *at;
    size_t count;
};
struct sy_strings {
    const char *const *at;
    size_t count;
};

/* C type of a struct member that a field describes. */
enum sy_type {
    SY_TYPE_INT32 = 1, /* int32_t: an integer, a flag (SY_FLAG) or the index of a choice (.choices) */
    SY_TYPE_INT64,
    SY_TYPE_UINT64,
    SY_TYPE_DOUBLE,
    SY_TYPE_STRING,  /* const char *: owned by the core, valid as long as the instance; NULL when not given */
    SY_TYPE_INTS,    /* struct sy_ints */
    SY_TYPE_DOUBLES, /* struct sy_doubles */
    SY_TYPE_STRINGS, /* struct sy_strings */
};

/* Who writes a field. */
enum sy_field_role {
    SY_PARAMETER = 1, /* the core, from the config, before init; constant afterwards */
    SY_STATE_FIELD,   /* the plugin; saved in checkpoints and restored by name */
    SY_OBSERVED_FIELD /* the plugin, in every call; journalled by name, and part of the state */
};

enum sy_field_flag {
    SY_FLAG = 1,          /* int32_t that is true or false in the config */
    SY_REQUIRED = 2,      /* no default: the config must say it */
    SY_PATH = 4,          /* string: a file or folder, relative to the config that names it; arrives absolute */
    SY_MIN_EXCLUSIVE = 8, /* the minimum itself is not allowed */
    SY_CODE = 16,         /* with SY_PATH: the file is executed; a config read with --untrusted may not name it */
};

/* One row of a plugin's field table. From it the core rejects unknown keys, checks types and ranges with file:line,
 * prints `switchyard help NAME`, writes the resolved config, and saves and restores state. [load] */
struct sy_field {
    const char *name;      /* the member's name, and the key in the config */
    uint32_t role;         /* enum sy_field_role */
    uint32_t type;         /* enum sy_type */
    size_t offset;         /* of the member in the instance */
    uint32_t count;        /* elements if the member is an array (state only), else 1 */
    uint32_t flags;        /* enum sy_field_flag, or-ed */
    double def;            /* default of numbers, flags (0, 1) and choices (index) */
    double min, max;       /* inclusive range of numbers and of list elements; no limits when both are 0 */
    const char *def_text;  /* default of strings and lists, as one would write it in the config: "[64, 64]" */
    const char *choices;   /* int32_t that is one of these words: "sum|student" */
    const char *unit;      /* "pixels", "epochs", ...; NULL for a pure number */
    const char *doc;       /* one line: what it does */
    const char *reference; /* where the value or formula comes from: paper and equation; NULL when nowhere */
};

#ifdef __cplusplus
} /* extern "C" */
static inline constexpr uint32_t sy_type_of(const int32_t *) {
    return SY_TYPE_INT32;
}
static inline constexpr uint32_t sy_type_of(const int64_t *) {
    return SY_TYPE_INT64;
}
static inline constexpr uint32_t sy_type_of(const uint64_t *) {
    return SY_TYPE_UINT64;
}
static inline constexpr uint32_t sy_type_of(const double *) {
    return SY_TYPE_DOUBLE;
}
static inline constexpr uint32_t sy_type_of(const char *const *) {
    return SY_TYPE_STRING;
}
static inline constexpr uint32_t sy_type_of(const struct sy_ints *) {
    return SY_TYPE_INTS;
}
static inline constexpr uint32_t sy_type_of(const struct sy_doubles *) {
    return SY_TYPE_DOUBLES;
}
static inline constexpr uint32_t sy_type_of(const struct sy_strings *) {
    return SY_TYPE_STRINGS;
}
/* By the pointer's type alone, so that a table is there before any code runs. */
#define SY_TYPE_OF(pointer) sy_type_of(static_cast<decltype(pointer)>(nullptr))
extern "C" {
#else
/* A member of any other type is a compile error. */
#define SY_TYPE_OF(pointer) \
    _Generic((pointer), int32_t *: SY_TYPE_INT32, int64_t *: SY_TYPE_INT64, uint64_t *: SY_TYPE_UINT64,               \
             double *: SY_TYPE_DOUBLE, const char **: SY_TYPE_STRING, struct sy_ints *: SY_TYPE_INTS,                 \
             struct sy_doubles *: SY_TYPE_DOUBLES, struct sy_strings *: SY_TYPE_STRINGS)
#endif

#define SY_FIELD_(self_type, member, element, number, role_)                          \
    .name = #member, .role = (role_), .type = SY_TYPE_OF(&((self_type *)0)->element), \
    .offset = offsetof(self_type, member), .count = (uint32_t)(number)

/* SY_PARAM(struct switokd, temperature, .def = 1, .min = 0.1, .max = 100, .doc = "...") */
#define SY_PARAM(self_type, member, ...) \
    { SY_FIELD_(self_type, member, member, 1, SY_PARAMETER), __VA_ARGS__ }
/* SY_STATE(struct my_rule, expert_steps, .doc = "batches spent in expert mode so far") */
#define SY_STATE(self_type, member, ...) \
    { SY_FIELD_(self_type, member, member, 1, SY_STATE_FIELD), __VA_ARGS__ }
/* As SY_STATE for an array: double history[16]; */
#define SY_STATE_ARRAY(self_type, member, ...)                                                                      \
    {                                                                                                               \
        SY_FIELD_(self_type, member, member[0], sizeof((self_type *)0)->member / sizeof((self_type *)0)->member[0], \
                  SY_STATE_FIELD),                                                                                  \
            __VA_ARGS__                                                                                             \
    }
/* SY_OBSERVED(struct switokd, gap, .doc = "G"): a double, journalled after every call */
#define SY_OBSERVED(self_type, member, ...) \
    { SY_FIELD_(self_type, member, member, 1, SY_OBSERVED_FIELD), __VA_ARGS__ }
/* Last row of every table. */
#define SY_END \
    { .name = NULL }

/* ---- the descriptor ------------------------------------------------------------------------------------------- */

/* [load] */
struct sy_plugin {
    uint32_t size;                            /* sizeof (struct sy_plugin), filled by SY_PLUGIN */
    uint32_t field_size;                      /* sizeof (struct sy_field), filled by SY_PLUGIN */
    const char *kind;                         /* SY_POLICY, SY_LOSS, ...: the constants of the kinds' headers */
    const char *name;                         /* [a-z0-9_]+, as written in the config */
    size_t self_size;                         /* bytes of an instance; the core allocates them, zeroed */
    const struct sy_field *fields;            /* up to SY_END; NULL when there are none */
    const void *ops;                          /* the kind's table of functions */
    const char *doc;                          /* one line for `switchyard list` */
    const char *help;                         /* paragraphs for `switchyard help NAME`; NULL when doc says it all */
    const char *reference;                    /* the paper: authors, title, venue; NULL when there is none */
    const void *(*extension)(const char *id); /* optional abilities, by name; NULL when there are none */
    /* How people call it in one word: "wrn-{depth}-{width}" makes wrn-16-2 this plugin with depth = 16; width = 2;. A
     * word of [a-z0-9_] without a dash, then any number of "-{PARAMETER}"; the parameters take numbers, and a list of
     * numbers takes all that are left, so it comes last. NULL: it is called by its name only. */
    const char *short_name;
};

/* What the plugin can be tried with by somebody who has nothing at hand, as `switchyard probe` has not: small settings, and
 * files where it needs some. What sy_plugin.extension returns for this id. */
#define SY_EXAMPLE "plugin/example"

struct sy_example {
    uint32_t size;
    int32_t reserved;
    const char
        *settings; /* as in the config: "path = \".\"; width = 4;"; paths are relative to the folder of `files` */
    /* Writes the files that the settings name into an empty folder; NULL: none are needed. [any] */
    int (*files)(const char *folder, struct sy_error *err);
};

#define SY_SYMBOL "sy_plugins_1"

#if defined(__GNUC__)
#define SY_EXPORT __attribute__((visibility("default")))
#else
#define SY_EXPORT
#endif

/* The usual file has one plugin:
 *   SY_PLUGIN(SY_POLICY, "switokd", struct switokd, .fields = fields, .ops = &ops, .doc = "..."); */
#define SY_PLUGIN(kind_, name_, self_type, ...)                                            \
    static const struct sy_plugin sy_only_plugin = {.size = sizeof(struct sy_plugin),      \
                                                    .field_size = sizeof(struct sy_field), \
                                                    .kind = (kind_),                       \
                                                    .name = (name_),                       \
                                                    .self_size = sizeof(self_type),        \
                                                    __VA_ARGS__};                          \
    SY_EXPORT extern const struct sy_plugin *const sy_plugins_1[];                         \
    const struct sy_plugin *const sy_plugins_1[] = {&sy_only_plugin, NULL}

/* Whether a struct that came over the border has this member at all. */
#define SY_HAS(pointer, member) \
    ((pointer)->size >= offsetof(__typeof__(*(pointer)), member) + sizeof((pointer)->member))

#ifdef __cplusplus
}
#endif
#endif
