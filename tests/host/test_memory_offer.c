/* test_memory_offer.c - how much memory there is, from made-up files of the system. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "folders.h"
#include "host/memory_offer.h"

static struct test_folder folder;

static void begin(void) {
    test_folder_create(&folder);
}

static void end(void) {
    test_folder_destroy(&folder);
}

TestSuite(memory_offer, .init = begin, .fini = end);

static struct sy_memory_offer offer(const char *meminfo, const char *self) {
    struct sy_memory_offer out;
    char info[1024], groups[1024];
    test_folder_write(&folder, "meminfo", meminfo);
    test_folder_write(&folder, "self", self);
    snprintf(info, sizeof info, "%s", test_folder_path(&folder, "meminfo"));
    snprintf(groups, sizeof groups, "%s", test_folder_path(&folder, "self"));
    sy_memory_offer_read(&out, info, groups, test_folder_path(&folder, "fs"));
    return out;
}

Test(memory_offer, machine) {
    struct sy_memory_offer out =
        offer("MemTotal:       2048 kB\nMemFree:  1 kB\nMemAvailable:   1024 kB\n", "0::/me\n");
    cr_expect_eq(out.machine, 2048.0 * 1024);
    cr_expect_eq(out.available, 1024.0 * 1024);
    cr_expect(isinf(out.group));
    out = offer("", "");
    cr_expect(isnan(out.machine) && isnan(out.available) && isinf(out.group));
}

Test(memory_offer, the_least_of_all_groups_counts) {
    test_folder_write(&folder, "fs/user/me/memory.max", "max\n");
    cr_expect(isinf(offer("", "0::/user/me\n").group));
    test_folder_write(&folder, "fs/user/memory.max", "500000\n");
    test_folder_write(&folder, "fs/memory.max", "700000\n");
    cr_expect_eq(offer("", "0::/user/me\n").group, 500000.0);
}

Test(memory_offer, version_1) {
    test_folder_write(&folder, "fs/memory/jobs/1/memory.limit_in_bytes", "9223372036854771712\n");
    cr_expect(isinf(offer("", "4:memory:/jobs/1\n").group), "that is how it says: none");
    test_folder_write(&folder, "fs/memory/jobs/memory.limit_in_bytes", "1000000\n");
    cr_expect_eq(offer("", "4:memory:/jobs/1\n").group, 1000000.0);
    cr_expect(isinf(offer("", "4:cpu:/jobs/1\n").group));
}

Test(memory_offer, this_process_has_some) {
    double resident, address;
    struct sy_memory_offer out;
    sy_memory_used(&resident, &address);
    cr_expect(resident > 1e5 && address >= resident);
    sy_memory_offer(&out);
    cr_expect_gt(out.machine, resident);
}
