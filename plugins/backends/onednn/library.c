/* library.c - see library.h. oneDNN 2.x has descriptors of operations; 3.x has not, and hides its memory descriptors. */
#include "library.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what differs between versions -------------------------------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t descriptor;
typedef const_dnnl_memory_desc_t descriptor_view;
static dnnl_status_t describe(descriptor *out, int rank, const dnnl_dims_t dims, dnnl_data_type_t type,
                              dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(out, rank, dims, type, tag);
}
static dnnl_status_t describe_as(descriptor *out, descriptor_view from) {
    return dnnl_memory_desc_clone(out, from);
}
static void forget(descriptor *d) {
    if (*d) {
        dnnl_memory_desc_destroy(*d);
        *d = NULL;
    }
}
static descriptor_view view_of(const descriptor *d) {
    return *d;
}
#else
typedef dnnl_memory_desc_t descriptor;
typedef const dnnl_memory_desc_t *descriptor_view;
static dnnl_status_t describe(descriptor *out, int rank, const dnnl_dims_t dims, dnnl_data_type_t type,
                              dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(out, rank, dims, type, tag);
}
static dnnl_status_t describe_as(descriptor *out, descriptor_view from) {
    *out = *from;
    return dnnl_success;
}
static void forget(descriptor *d) {
    (void)d;
}
static descriptor_view view_of(const descriptor *d) {
    return d;
}
#endif

/* What a primitive is made of. */
struct recipe {
    descriptor source, weights, bias, destination;
    bool has_bias;
    dnnl_dims_t strides, dilates, padding;
};

static dnnl_status_t make_descriptor(dnnl_primitive_desc_t *out, dnnl_engine_t engine, const struct recipe *r,
                                     enum direction direction, dnnl_primitive_attr_t attributes,
                                     const_dnnl_primitive_desc_t hint) {
    const dnnl_alg_kind_t algorithm = dnnl_convolution_direct;
    descriptor_view bias = r->has_bias ? view_of(&r->bias) : NULL;
#if DNNL_VERSION_MAJOR >= 3
    switch (direction) {
    case FORWARD:
        return dnnl_convolution_forward_primitive_desc_create(out, engine, dnnl_forward_training, algorithm, r->source,
                                                              r->weights, bias, r->destination, r->strides, r->dilates,
                                                              r->padding, r->padding, attributes);
    case BACKWARD_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(out, engine, algorithm, r->source, r->weights,
                                                                    r->destination, r->strides, r->dilates, r->padding,
                                                                    r->padding, hint, attributes);
    default:
        return dnnl_convolution_backward_weights_primitive_desc_create(out, engine, algorithm, r->source, r->weights,
                                                                       bias, r->destination, r->strides, r->dilates,
                                                                       r->padding, r->padding, hint, attributes);
    }
#else
    dnnl_convolution_desc_t operation;
    dnnl_status_t status;
    if (direction == FORWARD) {
        status =
            dnnl_convolution_forward_desc_init(&operation, dnnl_forward_training, algorithm, &r->source, &r->weights,
                                               bias, &r->destination, r->strides, r->padding, r->padding);
    } else if (direction == BACKWARD_DATA) {
        status = dnnl_convolution_backward_data_desc_init(&operation, algorithm, &r->source, &r->weights,
                                                          &r->destination, r->strides, r->padding, r->padding);
    } else {
        status = dnnl_convolution_backward_weights_desc_init(&operation, algorithm, &r->source, &r->weights, bias,
                                                             &r->destination, r->strides, r->padding, r->padding);
    }
    return status != dnnl_success ? status : dnnl_primitive_desc_create(out, &operation, attributes, engine, hint);
#endif
}

/* ---- the library ------------------------------------------------------------------------------------------------ */

struct library {
    dnnl_engine_t engine;
    dnnl_stream_t *streams; /* per thread */
    int32_t threads;
    void *openmp;
    void (*set_threads)(int);
    char version[64];
};

/* oneDNN counts the threads of OpenMP; ours are the host's, so each of them is to have one. The function is looked up
 * in the OpenMP that oneDNN brought along: a compiler's own may be another. */
static void one_thread(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct library *library = argument;
    (void)begin, (void)end, (void)thread;
    library->set_threads(1);
}

static void find_openmp(struct library *library) {
    library->openmp = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
    void *found = library->openmp ? dlsym(library->openmp, "omp_set_num_threads") : NULL;
    memcpy(&library->set_threads, &found, sizeof found);
}

/* oneDNN compiles its products when they are first asked for; that is not to happen in a step. */
static void warm_products(void) {
    enum { SIDE = 16 };
    float a[SIDE * SIDE] = {0}, b[SIDE * SIDE] = {0}, c[SIDE * SIDE] = {0};
    for (int way = 0; way < 8; way++) {
        library_gemm((way & 1) != 0, (way & 2) != 0, SIDE, SIDE, SIDE, a, SIDE, b, SIDE, way & 4 ? 1 : 0, c, SIDE);
    }
}

int library_open(struct library **out, const struct sy_host *host, struct sy_error *err) {
    struct library *library = calloc(1, sizeof *library);
    const dnnl_version_t *version = dnnl_version();
    *out = NULL;
    if (!library) {
        return sy_fail(err, SY_ENOMEM, "no memory for oneDNN");
    }
    library->threads = host->threads;
    library->streams = calloc((size_t)host->threads, sizeof *library->streams);
    snprintf(library->version, sizeof library->version, "%d.%d.%d", version->major, version->minor, version->patch);
    find_openmp(library);
    if (library->set_threads) {
        host->parallel_for(host, (size_t)host->threads, one_thread, library);
    }
    bool good = library->streams && dnnl_engine_create(&library->engine, dnnl_cpu, 0) == dnnl_success;
    for (int32_t t = 0; good && t < host->threads; t++) {
        good = dnnl_stream_create(&library->streams[t], library->engine, dnnl_stream_default_flags) == dnnl_success;
    }
    if (!good) {
        library_close(library);
        return sy_fail(err, SY_ENOTSUP, "oneDNN %d.%d found no engine for this processor", version->major,
                       version->minor);
    }
    warm_products();
    *out = library;
    return SY_OK;
}

void library_close(struct library *library) {
    if (!library) {
        return;
    }
    for (int32_t t = 0; library->streams && t < library->threads; t++) {
        if (library->streams[t]) {
            dnnl_stream_destroy(library->streams[t]);
        }
    }
    if (library->engine) {
        dnnl_engine_destroy(library->engine);
    }
    if (library->openmp) {
        dlclose(library->openmp);
    }
    free(library->streams);
    free(library);
}

const char *library_version(const struct library *library) {
    return library->version;
}

int32_t library_block(void) {
    int isa = (int)dnnl_get_effective_cpu_isa();
    return (isa & (int)dnnl_cpu_isa_avx512_core) == (int)dnnl_cpu_isa_avx512_core ? 16 : 8;
}

bool library_wants_channels_last(const struct library *library) {
    (void)library;
    int isa = (int)dnnl_get_effective_cpu_isa();
    return (isa & (int)dnnl_cpu_isa_avx512_core_amx) == (int)dnnl_cpu_isa_avx512_core_amx;
}

void library_gemm(bool at, bool bt, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                  size_t ldb, float beta, float *c, size_t ldc) {
    dnnl_sgemm(at ? 'T' : 'N', bt ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, 1, a, (dnnl_dim_t)lda, b,
               (dnnl_dim_t)ldb, beta, c, (dnnl_dim_t)ldc);
}

/* ---- primitives ------------------------------------------------------------------------------------------------- */

enum { SOURCE, WEIGHTS, BIAS, DESTINATION, SCRATCH, ROLES };

/* Memory objects only carry an address; each thread has its own. */
struct primitive {
    struct library *library;
    enum direction direction;
    struct convolution shape;
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
    dnnl_memory_t (*memory)[ROLES]; /* per thread */
    dnnl_primitive_t pack;          /* plain to own; unpack for gradients of weights */
    dnnl_memory_t plain, own;
    size_t scratch, weight_bytes;
};

static dnnl_status_t write_recipe(struct recipe *r, const struct convolution *s, enum direction direction,
                                  const struct primitive *like) {
    dnnl_dims_t source = {s->images, s->in, s->height, s->width};
    dnnl_dims_t destination = {s->images, s->out, s->out_height, s->out_width}, bias = {s->out};
    dnnl_dims_t plain = {s->out, s->in, s->kernel, s->kernel};
    dnnl_dims_t grouped = {s->groups, s->out / s->groups, s->in / s->groups, s->kernel, s->kernel};
    dnnl_data_type_t stored = s->bf16 ? dnnl_bf16 : dnnl_f32;
    dnnl_data_type_t weights = direction == BACKWARD_WEIGHTS ? dnnl_f32 : stored;
    for (int i = 0; i < 2; i++) {
        r->strides[i] = s->stride;
        r->dilates[i] = 0;
        r->padding[i] = s->padding;
    }
    r->has_bias = s->bias && direction != BACKWARD_DATA;
    dnnl_format_tag_t layout = s->channels_last ? dnnl_nhwc : s->block == 8 ? dnnl_nChw8c : dnnl_nChw16c;
    dnnl_status_t status = describe(&r->source, 4, source, stored, s->plain_source ? dnnl_nchw : layout);
    if (status == dnnl_success) {
        status = describe(&r->destination, 4, destination, stored, s->plain_destination ? dnnl_nchw : layout);
    }
    if (status == dnnl_success) {
        status = describe(&r->bias, 1, bias, dnnl_f32, dnnl_x);
    }
    if (status != dnnl_success) {
        return status;
    }
    if (like) {
        dnnl_query_t which = direction == BACKWARD_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
        return describe_as(&r->weights, dnnl_primitive_desc_query_md(like->descriptor, which, 0));
    }
    return s->groups > 1 ? describe(&r->weights, 5, grouped, weights, dnnl_format_tag_any)
                         : describe(&r->weights, 4, plain, weights, dnnl_format_tag_any);
}

static void forget_recipe(struct recipe *r) {
    forget(&r->source);
    forget(&r->weights);
    forget(&r->bias);
    forget(&r->destination);
}

/* Backward descriptors want a forward one as a hint. */
static dnnl_status_t make_primitive(struct primitive *p, const struct recipe *r) {
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t hint = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
    if (status == dnnl_success) {
        status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    }
    if (status == dnnl_success && p->direction != FORWARD) {
        struct recipe any = {0};
        status = write_recipe(&any, &p->shape, FORWARD, NULL);
        if (status == dnnl_success) {
            status = make_descriptor(&hint, p->library->engine, &any, FORWARD, attributes, NULL);
        }
        forget_recipe(&any);
    }
    if (status == dnnl_success) {
        status = make_descriptor(&p->descriptor, p->library->engine, r, p->direction, attributes, hint);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_create(&p->primitive, p->descriptor);
    }
    if (hint) {
        dnnl_primitive_desc_destroy(hint);
    }
    if (attributes) {
        dnnl_primitive_attr_destroy(attributes);
    }
    return status;
}

static dnnl_status_t make_memory(struct primitive *p, const struct recipe *r, descriptor_view weights) {
    descriptor_view scratch = dnnl_primitive_desc_query_md(p->descriptor, dnnl_query_scratchpad_md, 0);
    descriptor_view views[ROLES] = {view_of(&r->source), weights, view_of(&r->bias), view_of(&r->destination), scratch};
    dnnl_engine_t engine = p->library->engine;
    dnnl_status_t status = dnnl_success;
    p->scratch = dnnl_memory_desc_get_size(scratch);
    p->weight_bytes = dnnl_memory_desc_get_size(weights);
    p->memory = calloc((size_t)p->library->threads, sizeof *p->memory);
    for (int32_t t = 0; p->memory && t < p->library->threads; t++) {
        for (int role = 0; role < ROLES && status == dnnl_success; role++) {
            status = dnnl_memory_create(&p->memory[t][role], views[role], engine, DNNL_MEMORY_NONE);
        }
    }
    return p->memory ? status : dnnl_out_of_memory;
}

static dnnl_status_t make_reorder(struct primitive *p, descriptor_view own) {
    const struct convolution *s = &p->shape;
    dnnl_dims_t flat = {s->out, s->in, s->kernel, s->kernel};
    dnnl_dims_t grouped = {s->groups, s->out / s->groups, s->in / s->groups, s->kernel, s->kernel};
    descriptor plain = {0};
    dnnl_primitive_desc_t d = NULL;
    dnnl_engine_t engine = p->library->engine;
    dnnl_status_t status = s->groups > 1 ? describe(&plain, 5, grouped, dnnl_f32, dnnl_goihw)
                                         : describe(&plain, 4, flat, dnnl_f32, dnnl_oihw);
    bool back = p->direction == BACKWARD_WEIGHTS;
    if (status == dnnl_success) {
        status = dnnl_reorder_primitive_desc_create(&d, back ? own : view_of(&plain), engine,
                                                    back ? view_of(&plain) : own, engine, NULL);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_create(&p->pack, d);
    }
    if (status == dnnl_success) {
        status = dnnl_memory_create(&p->plain, view_of(&plain), engine, DNNL_MEMORY_NONE);
    }
    if (status == dnnl_success) {
        status = dnnl_memory_create(&p->own, own, engine, DNNL_MEMORY_NONE);
    }
    if (d) {
        dnnl_primitive_desc_destroy(d);
    }
    forget(&plain);
    return status;
}

int primitive_create(struct primitive **out, struct library *library, const struct convolution *shape,
                     enum direction direction, const struct primitive *like, struct sy_error *err) {
    struct primitive *p = calloc(1, sizeof *p);
    struct recipe recipe = {0};
    *out = NULL;
    if (!p) {
        return sy_fail(err, SY_ENOMEM, "no memory for a convolution");
    }
    p->library = library;
    p->direction = direction;
    p->shape = *shape;
    if (library->set_threads) {
        library->set_threads(1); /* the count is part of a primitive */
    }
    dnnl_status_t status = write_recipe(&recipe, shape, direction, like);
    if (status == dnnl_success) {
        status = make_primitive(p, &recipe);
    }
    if (status == dnnl_success) {
        dnnl_query_t which = direction == BACKWARD_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
        descriptor_view weights = dnnl_primitive_desc_query_md(p->descriptor, which, 0);
        status = make_memory(p, &recipe, weights);
        if (status == dnnl_success) {
            status = make_reorder(p, weights);
        }
    }
    forget_recipe(&recipe);
    if (status != dnnl_success) {
        primitive_destroy(p);
        return sy_fail(err, status == dnnl_out_of_memory ? SY_ENOMEM : SY_ENOTSUP,
                       "oneDNN has no such convolution: %d to %d channels, kernel %d, stride %d (status %d)", shape->in,
                       shape->out, shape->kernel, shape->stride, (int)status);
    }
    *out = p;
    return SY_OK;
}

static void drop_memory(dnnl_memory_t memory) {
    if (memory) {
        dnnl_memory_destroy(memory);
    }
}

void primitive_destroy(struct primitive *p) {
    if (!p) {
        return;
    }
    for (int32_t t = 0; p->memory && t < p->library->threads; t++) {
        for (int role = 0; role < ROLES; role++) {
            drop_memory(p->memory[t][role]);
        }
    }
    drop_memory(p->plain);
    drop_memory(p->own);
    if (p->pack) {
        dnnl_primitive_destroy(p->pack);
    }
    if (p->primitive) {
        dnnl_primitive_destroy(p->primitive);
    }
    if (p->descriptor) {
        dnnl_primitive_desc_destroy(p->descriptor);
    }
    free(p->memory);
    free(p);
}

size_t primitive_scratch(const struct primitive *primitive) {
    return primitive->scratch;
}

size_t primitive_weight_bytes(const struct primitive *primitive) {
    return primitive->weight_bytes;
}

/* oneDNN takes addresses it only reads without const. */
static void *address(const void *data) {
    union {
        const void *from;
        void *to;
    } u = {data};
    return u.to;
}

int primitive_run(const struct primitive *p, int32_t thread, const void *source, const void *weights, const void *bias,
                  const void *destination, void *scratch) {
    static const int names[3][ROLES] = {
        {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD},
        {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
        {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD}};
    const void *data[ROLES] = {source, weights, bias, destination, scratch};
    dnnl_exec_arg_t arguments[ROLES];
    int n = 0;
    for (int role = 0; role < ROLES; role++) {
        if (role == BIAS && !bias) {
            continue;
        }
        dnnl_memory_set_data_handle(p->memory[thread][role], address(data[role]));
        arguments[n++] = (dnnl_exec_arg_t){names[p->direction][role], p->memory[thread][role]};
    }
    return dnnl_primitive_execute(p->primitive, p->library->streams[thread], n, arguments) == dnnl_success ? SY_OK
                                                                                                           : SY_EINVAL;
}

static int reorder(const struct primitive *p, const void *plain, const void *own) {
    bool back = p->direction == BACKWARD_WEIGHTS;
    dnnl_memory_set_data_handle(p->plain, address(plain));
    dnnl_memory_set_data_handle(p->own, address(own));
    dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, back ? p->own : p->plain}, {DNNL_ARG_TO, back ? p->plain : p->own}};
    return dnnl_primitive_execute(p->pack, p->library->streams[0], 2, arguments) == dnnl_success ? SY_OK : SY_EINVAL;
}

int primitive_pack(const struct primitive *p, const float *plain, void *packed) {
    return reorder(p, plain, packed);
}

int primitive_unpack(const struct primitive *p, const void *packed, float *plain) {
    return reorder(p, plain, packed);
}
