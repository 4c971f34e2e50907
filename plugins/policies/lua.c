/* lua.c - policy "lua": a switching rule as a script beside the config, for those who try five ideas before lunch.
 *
 *   limit = 0.6                          -- a global that is a number belongs to the state: checkpointed
 *   observe = {"excess"}                 -- observed.excess is journalled, as value1
 *   function decide(batch)
 *     observed.excess = batch.gap - limit
 *     if batch.gap > limit then return "expert" end
 *     return "learning"                  -- and, if you like, two weights: return "learning", 1, 0.5
 *   end
 *
 * The field table is fixed when this file is compiled, so what a script observes and remembers goes into a fixed set of
 * members, in an order that the script gives (observe) or that its names have (state). The sandbox has the base library without load and its kin, math, string
 * and table; no io, os, package, debug or coroutines. Instructions and memory are limited. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/policy.h>

#define OBSERVED 8
#define STATE    16
#define NAME     24
/* Instructions between two looks at the budget. */
#define LOOK 1000

struct lua_policy {
    const char *script; /* parameters */
    int64_t instructions, kibibytes;
    double gap, value1, value2, value3, value4, value5, value6, value7, value8; /* observed */
    double state[STATE];                                                        /* globals that are numbers */
    int64_t decisions;

    lua_State *lua;
    const struct sy_host *host;
    size_t used, allowed; /* bytes */
    int64_t left;         /* instructions of this call */
    int32_t n_observed, n_state;
    char observed[OBSERVED][NAME], names[STATE][NAME];
};

static const struct sy_field fields[] = {
    SY_PARAM(struct lua_policy, script, .flags = SY_PATH | SY_CODE | SY_REQUIRED,
             .doc = "the file with the rule, in Lua 5.4: function decide(batch)"),
    SY_PARAM(struct lua_policy, instructions, .def = 10000000, .min = 1000, .max = 1e12, .unit = "instructions",
             .doc = "that one decision may take"),
    SY_PARAM(struct lua_policy, kibibytes, .def = 65536, .min = 64, .max = 4194304, .unit = "KiB",
             .doc = "that the script may hold"),
    SY_OBSERVED(struct lua_policy, gap, .doc = "distance between student and teacher, in [0, 2]"),
    SY_OBSERVED(struct lua_policy, value1, .doc = "what the script observed first: observed.NAME = NUMBER"),
    SY_OBSERVED(struct lua_policy, value2, .doc = "what it observed second"),
    SY_OBSERVED(struct lua_policy, value3, .doc = "third"),
    SY_OBSERVED(struct lua_policy, value4, .doc = "fourth"),
    SY_OBSERVED(struct lua_policy, value5, .doc = "fifth"),
    SY_OBSERVED(struct lua_policy, value6, .doc = "sixth"),
    SY_OBSERVED(struct lua_policy, value7, .doc = "seventh"),
    SY_OBSERVED(struct lua_policy, value8, .doc = "eighth"),
    SY_STATE_ARRAY(struct lua_policy, state, .doc = "the script's global numbers, in the order of their names"),
    SY_STATE(struct lua_policy, decisions, .doc = "decisions so far"),
    SY_END,
};

/* The part of a path after its last slash, for messages that say script:line. */
static const char *short_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- the sandbox -------------------------------------------------------------------------------------------------- */

static void *allocate(void *context, void *old, size_t old_size, size_t size) {
    struct lua_policy *policy = context;
    size_t before = old ? old_size : 0;
    if (!size) {
        policy->used -= before;
        free(old);
        return NULL;
    }
    if (size > before && policy->used + (size - before) > policy->allowed) {
        return NULL;
    }
    void *memory = realloc(old, size);
    if (memory) {
        policy->used += size - before;
    }
    return memory;
}

static struct lua_policy *policy_of(lua_State *lua) {
    void *context;
    lua_getallocf(lua, &context);
    return context;
}

static void count(lua_State *lua, lua_Debug *where) {
    struct lua_policy *policy = policy_of(lua);
    (void)where;
    policy->left -= LOOK;
    if (policy->left <= 0) {
        luaL_error(lua, "more than %d thousand instructions; policy.instructions is the limit",
                   (int)(policy->instructions / 1000));
    }
}

/* print: to the person at the terminal, through the host. */
static int say(lua_State *lua) {
    const struct sy_host *host = policy_of(lua)->host;
    host->log(host, SY_LOG_INFO, "%s", luaL_tolstring(lua, 1, NULL));
    return 0;
}

/* Only what cannot reach out of the script, and cannot stop the count. */
static int open_sandbox(lua_State *lua) {
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                         {LUA_MATHLIBNAME, luaopen_math},
                                         {LUA_STRLIBNAME, luaopen_string},
                                         {LUA_TABLIBNAME, luaopen_table}};
    static const char *const taken[] = {"load",           "loadfile", "dofile", "loadstring", "require",
                                        "collectgarbage", "pcall",    "xpcall", "warn"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
        lua_pop(lua, 1);
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        lua_pushnil(lua);
        lua_setglobal(lua, taken[i]);
    }
    lua_getglobal(lua, LUA_STRLIBNAME);
    lua_pushnil(lua);
    lua_setfield(lua, -2, "dump");
    lua_pushnil(lua); /* one call may take for ever, between two instructions */
    lua_setfield(lua, -2, "rep");
    lua_pop(lua, 1);
    lua_getglobal(lua, LUA_MATHLIBNAME); /* a run gives the same bits again */
    lua_pushnil(lua);
    lua_setfield(lua, -2, "random");
    lua_pushnil(lua);
    lua_setfield(lua, -2, "randomseed");
    lua_pop(lua, 1);
    lua_pushcfunction(lua, say);
    lua_setglobal(lua, "print");
    lua_newtable(lua);
    lua_setglobal(lua, "observed");
    return 0;
}

/* A failed call's words, which name script and line. */
static int blame(struct lua_policy *policy, struct sy_error *err) {
    const char *words = lua_type(policy->lua, -1) == LUA_TSTRING ? lua_tostring(policy->lua, -1) : NULL;
    return sy_fail(err, SY_EINVAL, "%s", words ? words : "the script failed without a word");
}

/* ---- what a script remembers -------------------------------------------------------------------------------------- */

static int by_name(const void *left, const void *right) {
    return strcmp(left, right);
}

/* The names of the globals that are numbers, sorted. Run protected. */
static int find_state(lua_State *lua) {
    struct lua_policy *policy = policy_of(lua);
    policy->n_state = 0;
    lua_pushglobaltable(lua);
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        if (lua_type(lua, -2) == LUA_TSTRING && lua_type(lua, -1) == LUA_TNUMBER) {
            size_t length;
            const char *name = lua_tolstring(lua, -2, &length);
            if (*name == '_') {
                continue;
            }
            if (policy->n_state == STATE || length >= NAME) {
                return luaL_error(lua, "global %s: at most %d numbers, with names of up to %d letters, are remembered",
                                  name, STATE, NAME - 1);
            }
            memcpy(policy->names[policy->n_state++], name, length + 1);
        }
    }
    qsort(policy->names, (size_t)policy->n_state, NAME, by_name);
    return 0;
}

static int give_state(lua_State *lua) {
    struct lua_policy *policy = policy_of(lua);
    for (int32_t i = 0; i < policy->n_state; i++) {
        lua_pushnumber(lua, policy->state[i]);
        lua_setglobal(lua, policy->names[i]);
    }
    return 0;
}

static int take_state(lua_State *lua) {
    struct lua_policy *policy = policy_of(lua);
    for (int32_t i = 0; i < policy->n_state; i++) {
        lua_getglobal(lua, policy->names[i]);
        if (lua_type(lua, -1) != LUA_TNUMBER) {
            return luaL_error(lua, "global %s was a number and is a %s now", policy->names[i], luaL_typename(lua, -1));
        }
        policy->state[i] = lua_tonumber(lua, -1);
        lua_pop(lua, 1);
    }
    return 0;
}

static int take_observed(lua_State *lua) {
    struct lua_policy *policy = policy_of(lua);
    double *const values[OBSERVED] = {&policy->value1, &policy->value2, &policy->value3, &policy->value4,
                                      &policy->value5, &policy->value6, &policy->value7, &policy->value8};
    if (lua_getglobal(lua, "observed") != LUA_TTABLE) {
        return luaL_error(lua, "observed is a %s now; it must stay a table", luaL_typename(lua, -1));
    }
    for (int32_t i = 0; i < policy->n_observed; i++) {
        lua_getfield(lua, 1, policy->observed[i]);
        *values[i] = lua_tonumber(lua, -1);
        lua_pop(lua, 1);
    }
    return 0;
}

static int find_decide(lua_State *lua) {
    return lua_getglobal(lua, "decide") == LUA_TFUNCTION
               ? 0
               : luaL_error(lua, "%s: has no function decide(batch)", short_name(policy_of(lua)->script));
}

/* The names in the script's line `observe = {"gap", "bar"}`, in that order. */
static int find_observed(lua_State *lua) {
    struct lua_policy *policy = policy_of(lua);
    if (lua_getglobal(lua, "observe") == LUA_TNIL) {
        return 0;
    }
    luaL_checktype(lua, 1, LUA_TTABLE);
    for (lua_Integer i = 1; lua_geti(lua, 1, i) != LUA_TNIL; i++, lua_pop(lua, 1)) {
        size_t length;
        const char *name = luaL_checklstring(lua, -1, &length);
        if (i > OBSERVED || length >= NAME) {
            return luaL_error(lua, "observe: at most %d names of up to %d letters", OBSERVED, NAME - 1);
        }
        memcpy(policy->observed[policy->n_observed++], name, length + 1);
    }
    return 0;
}

/* ---- decisions ---------------------------------------------------------------------------------------------------- */

static void set(lua_State *lua, const char *name, double value) {
    lua_pushnumber(lua, value);
    lua_setfield(lua, -2, name);
}

/* What decide(batch) reads. */
static void push_batch(lua_State *lua, const struct lua_policy *policy, const struct sy_policy_in *in) {
    lua_createtable(lua, 0, 10);
    set(lua, "gap", policy->gap);
    set(lua, "teacher_distance", sy_label_distance(in->teacher, in->labels, in->batch, in->classes));
    set(lua, "student_distance", sy_label_distance(in->student, in->labels, in->batch, in->classes));
    set(lua, "step", (double)in->step);
    set(lua, "epoch", (double)in->epoch);
    set(lua, "steps_per_epoch", (double)in->steps_per_epoch);
    set(lua, "epochs", (double)in->epochs);
    set(lua, "batch", in->batch);
    set(lua, "classes", in->classes);
    set(lua, "gate", in->gate);
}

struct call {
    struct lua_policy *policy;
    struct sy_policy_out *out;
    const struct sy_policy_in *in;
};

/* One decision, protected: whatever fails ends up as words on the stack. */
static int decide_protected(lua_State *lua) {
    struct call *call = lua_touserdata(lua, 1);
    struct lua_policy *policy = call->policy;
    give_state(lua); /* it may be another one than the script left: of a resumed run, or before a step taken back */
    lua_settop(lua, 0);
    lua_getglobal(lua, "decide");
    push_batch(lua, policy, call->in);
    lua_call(lua, 1, 3);
    const char *mode = lua_type(lua, 1) == LUA_TSTRING ? lua_tostring(lua, 1) : "";
    if (strcmp(mode, "expert") != 0 && strcmp(mode, "learning") != 0) {
        return luaL_error(lua, "decide returned %s; it must be \"expert\" or \"learning\"",
                          *mode ? mode : luaL_typename(lua, 1));
    }
    call->out->mode = *mode == 'e' ? SY_EXPERT : SY_LEARNING;
    call->out->teacher_weight = luaL_optnumber(lua, 2, 1);
    call->out->student_weight = luaL_optnumber(lua, 3, 1);
    lua_settop(lua, 0);
    take_observed(lua);
    lua_settop(lua, 0);
    return take_state(lua);
}

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct lua_policy *policy = self;
    struct call call = {policy, out, in};
    policy->gap = sy_distance(in->student, in->teacher, in->batch, in->classes);
    if (!(policy->gap <= 2)) {
        return sy_fail(err, SY_ERANGE, "the gap is %g, must be in [0, 2]", policy->gap);
    }
    policy->left = policy->instructions;
    lua_settop(policy->lua, 0);
    lua_pushcfunction(policy->lua, decide_protected);
    lua_pushlightuserdata(policy->lua, &call);
    if (lua_pcall(policy->lua, 1, 0, 0) != LUA_OK) {
        return blame(policy, err);
    }
    policy->decisions++;
    return SY_OK;
}

/* ---- beginning and end -------------------------------------------------------------------------------------------- */

static char *read_script(const char *path, size_t *size, struct sy_error *err) {
    enum { MOST = 1 << 20 };
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(MOST) : NULL;
    if (!text) {
        sy_fail(err, SY_EIO, "%s: cannot be read", path);
    } else {
        *size = fread(text, 1, MOST, file);
        if (*size == MOST || ferror(file)) {
            sy_fail(err, SY_EIO, "%s: cannot be read, or has a mebibyte or more", path);
            free(text);
            text = NULL;
        }
    }
    if (file) {
        fclose(file);
    }
    return text;
}

/* Text only: bytecode can do what no text can. */
static int run_script(struct lua_policy *policy, struct sy_error *err) {
    char name[256];
    size_t size = 0;
    char *text = read_script(policy->script, &size, err);
    if (!text) {
        return SY_EIO;
    }
    snprintf(name, sizeof name, "@%s", short_name(policy->script));
    policy->left = policy->instructions;
    int failed =
        luaL_loadbufferx(policy->lua, text, size, name, "t") != LUA_OK || lua_pcall(policy->lua, 0, 0, 0) != LUA_OK;
    free(text);
    return failed ? blame(policy, err) : SY_OK;
}

static int run_protected(struct lua_policy *policy, lua_CFunction function, struct sy_error *err) {
    lua_settop(policy->lua, 0);
    lua_pushcfunction(policy->lua, function);
    return lua_pcall(policy->lua, 0, 0, 0) == LUA_OK ? SY_OK : blame(policy, err);
}

static void fini(void *self) {
    struct lua_policy *policy = self;
    if (policy->lua) {
        lua_close(policy->lua);
        policy->lua = NULL;
    }
}

static int init(void *self, const struct sy_host *host, struct sy_error *err) {
    struct lua_policy *policy = self;
    policy->host = host;
    policy->allowed = (size_t)policy->kibibytes * 1024;
    policy->lua = lua_newstate(allocate, policy);
    if (!policy->lua) {
        return sy_fail(err, SY_ENOMEM, "no memory for Lua; policy.kibibytes is %lld", (long long)policy->kibibytes);
    }
    lua_sethook(policy->lua, count, LUA_MASKCOUNT, LOOK);
    int status = run_protected(policy, open_sandbox, err);
    status = status == SY_OK ? run_script(policy, err) : status;
    status = status == SY_OK ? run_protected(policy, find_decide, err) : status;
    status = status == SY_OK ? run_protected(policy, find_observed, err) : status;
    status = status == SY_OK ? run_protected(policy, find_state, err) : status;
    status = status == SY_OK ? run_protected(policy, take_state, err) : status;
    if (status != SY_OK) {
        fini(policy);
    }
    return status;
}

static const struct sy_policy_ops ops = {.size = sizeof ops, .init = init, .fini = fini, .decide = decide};

/* sy_example.files */
static int write_example(const char *folder, struct sy_error *err) {
    static const char script[] = "seen, smoothed = 0, 0\nobserve = {\"smoothed\"}\nfunction decide(batch)\n"
                                 "  smoothed = seen > 0 and 0.9 * smoothed + 0.1 * batch.gap or batch.gap\n"
                                 "  seen = seen + 1\n  observed.smoothed = smoothed\n"
                                 "  return smoothed > 0.6 and \"expert\" or \"learning\"\nend\n";
    char path[4096];
    snprintf(path, sizeof path, "%s/rule.lua", folder);
    FILE *file = fopen(path, "we");
    int good = file && fputs(script, file) >= 0;
    good = file && fclose(file) == 0 && good;
    return good ? SY_OK : sy_fail(err, SY_EIO, "%s cannot be written", path);
}

static const void *extension(const char *id) {
    static const struct sy_example example = {
        .size = sizeof example, .settings = "script = \"rule.lua\";", .files = write_example};
    return strcmp(id, SY_EXAMPLE) == 0 ? &example : NULL;
}

SY_PLUGIN(SY_POLICY, "lua", struct lua_policy, .fields = fields, .ops = &ops, .extension = extension,
          .doc = "a rule written in Lua, in the config's folder",
          .help =
              "The script defines function decide(batch), called for every batch; batch has gap, teacher_distance,\n"
              "student_distance (to the labels), step, epoch, steps_per_epoch, epochs, batch, classes, gate. It\n"
              "returns \"expert\" or \"learning\", and two weights if it likes. Global numbers that are there when\n"
              "the script was read are remembered in checkpoints. observe = {\"bar\"} names what observed.bar =\n"
              "NUMBER journals as value1, up to value8. No io, os, package, load, pcall, coroutines, random.");
