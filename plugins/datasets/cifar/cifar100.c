/* cifar100.c - data set `cifar100`: the binary distribution of CIFAR-100. */
#include <string.h>

#include "records.h"

enum { COARSE_BYTE = 0, FINE_BYTE = 1 };
enum { FINE = 0, COARSE = 1 }; /* positions in the field's choices */

struct cifar100 {
    const char *path;
    int32_t labels;
    struct cifar_records records;
};

static const char *const files[] = {"train.bin", "test.bin"};
static const int32_t splits[] = {SY_TRAIN_SPLIT, SY_TEST_SPLIT};
static const struct cifar_format format = {.name = "CIFAR-100",
                                           .hint = "the folder cifar-100-binary of the binary version "
                                                   "(cifar-100-binary.tar.gz)",
                                           .files = files,
                                           .splits = splits,
                                           .n_files = 2,
                                           .records = 50000,
                                           .test_records = 10000,
                                           .n_labels = 2,
                                           .classes = {[COARSE_BYTE] = 20, [FINE_BYTE] = 100}};

/* clang-format off */
static const char *const fine_names[] = {
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
};
static const char *const coarse_names[] = {
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
    "household_electrical_devices", "household_furniture", "insects", "large_carnivores",
    "large_man-made_outdoor_things", "large_natural_outdoor_scenes", "large_omnivores_and_herbivores",
    "medium_mammals", "non-insect_invertebrates", "people", "reptiles", "small_mammals", "trees",
    "vehicles_1", "vehicles_2",
};
/* clang-format on */
_Static_assert(sizeof fine_names / sizeof fine_names[0] == 100, "100 fine classes");
_Static_assert(sizeof coarse_names / sizeof coarse_names[0] == 20, "20 coarse classes");

/* As in the released code of SwitOKD. */
static const double mean[] = {0.507, 0.487, 0.441}, std[] = {0.267, 0.256, 0.276};

static int open_files(void *self, const struct sy_host *host, struct sy_error *err) {
    struct cifar100 *cifar = self;
    (void)host;
    return cifar_open(&cifar->records, &format, cifar->path, err);
}

static int info(const void *self, struct sy_dataset_info *out) {
    const struct cifar100 *cifar = self;
    out->classes = cifar->labels == COARSE ? 20 : 100;
    cifar_describe(&cifar->records, out);
    out->class_names = cifar->labels == COARSE ? coarse_names : fine_names;
    out->mean = mean;
    out->std = std;
    return SY_OK;
}

static int read_samples(const void *self, int32_t split, const int64_t *indices, size_t count, void *samples,
                        int32_t *labels, struct sy_error *err) {
    const struct cifar100 *cifar = self;
    int32_t which = cifar->labels == COARSE ? COARSE_BYTE : FINE_BYTE;
    return cifar_read(&cifar->records, which, split, indices, count, samples, labels, err);
}

static void close_files(void *self) {
    struct cifar100 *cifar = self;
    cifar_close(&cifar->records);
}

static const struct sy_field fields[] = {
    SY_PARAM(struct cifar100, path, .flags = SY_PATH | SY_REQUIRED, .doc = "folder with train.bin and test.bin"),
    SY_PARAM(struct cifar100, labels, .choices = "fine|coarse", .def = FINE,
             .doc = "the 100 classes, or the 20 superclasses they belong to"),
    SY_END,
};
static const struct sy_dataset_ops ops = {
    .size = sizeof ops, .open = open_files, .info = info, .read = read_samples, .close = close_files};

static int write_example(const char *folder, struct sy_error *err) {
    return cifar_write_example(&format, folder, err);
}

static const void *extension(const char *id) {
    static const struct sy_example example = {
        .size = sizeof example, .settings = "path = \".\";", .files = write_example};
    return strcmp(id, SY_EXAMPLE) == 0 ? &example : NULL;
}

SY_PLUGIN(SY_DATASET, "cifar100", struct cifar100, .fields = fields, .ops = &ops, .extension = extension,
          .doc = "CIFAR-100: 50,000 and 10,000 colour images of 32 x 32 in 100 classes (or 20 superclasses)",
          .reference = "Krizhevsky, Learning multiple layers of features from tiny images, 2009");
