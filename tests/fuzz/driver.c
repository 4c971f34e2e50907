/* driver.c - runs a target without libFuzzer:   TARGET FOLDER [MUTANTS [SEED]]
 * Every file of the folder, then MUTANTS changed copies of them, drawn from SEED. An input that computes for longer than a
 * second ends it; the input at work when it ends, however it does, is left in the file `crash`. */
#include <dirent.h>
#include <signal.h>
#include <sys/time.h>

#include "target.h"

enum { MOST_FILES = 1000, MOST_BYTES = 1 << 16 };

struct input {
    uint8_t *bytes;
    size_t count;
};

static const uint8_t *now;
static size_t now_count;

static void keep(int number) {
    FILE *file = fopen("crash", "wb");
    if (file) {
        fwrite(now, 1, now_count, file);
        fclose(file);
    }
    if (number == SIGPROF) {
        static const char text[] = "an input computes for longer than a second\n";
        (void)!write(2, text, sizeof text - 1);
    }
    signal(number, SIG_DFL);
    raise(number == SIGPROF ? SIGABRT : number);
}

static void try(const uint8_t *bytes, size_t count) {
    now = bytes, now_count = count;
    setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = 1}, NULL);
    LLVMFuzzerTestOneInput(bytes, count);
    setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = 0}, NULL);
}

static uint32_t draw(uint64_t *state, size_t below) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

static int read_folder(struct input *inputs, const char *path) {
    char name[4096];
    int count = 0;
    DIR *folder = opendir(path);
    EXPECT(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) && count < MOST_FILES;) {
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(name, "rb");
        if (!file) {
            continue;
        }
        inputs[count].bytes = malloc(MOST_BYTES);
        EXPECT(inputs[count].bytes);
        inputs[count].count = fread(inputs[count].bytes, 1, MOST_BYTES, file);
        fclose(file);
        count++;
    }
    closedir(folder);
    return count;
}

/* One small change: a byte, a bit, a cut, a piece doubled, a piece of another input. */
static size_t change(uint8_t *bytes, size_t count, const struct input *other, uint64_t *state) {
    static const char telling[] = "{}[]()=:;,\"\\#/*@.+-0123456789eELx\n\t \x00\x01\x7f\xff";
    size_t at = count ? draw(state, count) : 0, length = 1 + draw(state, 16);
    switch (count < 2 ? 4 : draw(state, 6)) {
    case 0:
        bytes[at] = (uint8_t)telling[draw(state, sizeof telling - 1)];
        return count;
    case 1:
        bytes[at] ^= (uint8_t)(1u << draw(state, 8));
        return count;
    case 2:
        length = length < count - at ? length : count - at;
        memmove(bytes + at, bytes + at + length, count - at - length);
        return count - length;
    case 3:
        length = length < count - at ? length : count - at;
        if (count + length > MOST_BYTES) {
            return count;
        }
        memmove(bytes + at + length, bytes + at, count - at);
        return count + length;
    case 4:
        length = length < other->count ? length : other->count;
        if (count + length > MOST_BYTES) {
            return count;
        }
        memmove(bytes + at + length, bytes + at, count - at);
        memcpy(bytes + at, other->bytes + draw(state, other->count - length + 1), length);
        return count + length;
    default:
        return draw(state, 8) ? count : at;
    }
}

int main(int argc, char **argv) {
    static struct input inputs[MOST_FILES];
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPROF};
    long mutants = argc > 2 ? atol(argv[2]) : 0;
    uint64_t state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    EXPECT(argc > 1);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        signal(signals[i], keep);
    }
    int count = read_folder(inputs, argv[1]);
    EXPECT(count > 0);
    for (int i = 0; i < count; i++) {
        try(inputs[i].bytes, inputs[i].count);
    }
    uint8_t *bytes = malloc(MOST_BYTES);
    EXPECT(bytes);
    for (long i = 0; i < mutants; i++) {
        const struct input *from = &inputs[draw(&state, (size_t)count)];
        size_t size = from->count;
        memcpy(bytes, from->bytes, size);
        for (uint32_t changes = 1 + draw(&state, 5); changes > 0; changes--) {
            size = change(bytes, size, &inputs[draw(&state, (size_t)count)], &state);
        }
        /* room of its own size, so that a sanitizer sees what reads behind it */
        uint8_t *exact = malloc(size + !size);
        EXPECT(exact);
        memcpy(exact, bytes, size);
        try(exact, size);
        free(exact);
    }
    for (int i = 0; i < count; i++) {
        free(inputs[i].bytes);
    }
    free(bytes);
    printf("%d inputs and %ld mutants\n", count, mutants);
    return 0;
}
