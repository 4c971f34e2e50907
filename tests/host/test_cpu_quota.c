/* test_cpu_quota.c - limits of control groups, old and new, from made-up hierarchies. */
#include <criterion/criterion.h>

#include "folders.h"
#include "host/cpu_quota.h"

static struct test_folder folder;

static void begin(void) {
    test_folder_create(&folder);
}

static void end(void) {
    test_folder_destroy(&folder);
}

TestSuite(cpu_quota, .init = begin, .fini = end);

static int32_t quota(const char *self) {
    test_folder_write(&folder, "self", self);
    return sy_cpu_quota(test_folder_path(&folder, "self"), test_folder_path(&folder, "fs"));
}

Test(cpu_quota, none) {
    cr_expect_eq(quota("0::/user/me\n"), 0);
    cr_expect_eq(sy_cpu_quota(test_folder_path(&folder, "no file"), folder.path), 0);
    test_folder_write(&folder, "fs/user/me/cpu.max", "max 100000\n");
    cr_expect_eq(quota("0::/user/me\n"), 0);
}

Test(cpu_quota, version_2_rounds_up) {
    test_folder_write(&folder, "fs/user/me/cpu.max", "250000 100000\n");
    cr_expect_eq(quota("0::/user/me\n"), 3);
    test_folder_write(&folder, "fs/user/me/cpu.max", "200000 100000\n");
    cr_expect_eq(quota("0::/user/me\n"), 2);
    test_folder_write(&folder, "fs/user/me/cpu.max", "1000 100000\n");
    cr_expect_eq(quota("0::/user/me\n"), 1);
}

Test(cpu_quota, the_least_of_all_ancestors_counts) {
    test_folder_write(&folder, "fs/user/me/cpu.max", "800000 100000\n");
    test_folder_write(&folder, "fs/user/cpu.max", "400000 100000\n");
    cr_expect_eq(quota("0::/user/me\n"), 4);
    test_folder_write(&folder, "fs/cpu.max", "300000 100000\n");
    cr_expect_eq(quota("0::/user/me\n"), 3);
}

Test(cpu_quota, a_container_sees_only_its_own_part) {
    test_folder_write(&folder, "fs/cpu.max", "200000 100000\n");
    cr_expect_eq(quota("0::/host/path/of/it\n"), 2);
    /* Nothing above the mount is looked at. */
    test_folder_write(&folder, "cpu.max", "100000 100000\n");
    cr_expect_eq(quota("0::/\n"), 2);
}

Test(cpu_quota, version_1) {
    test_folder_write(&folder, "fs/cpu,cpuacct/jobs/1/cpu.cfs_quota_us", "150000\n");
    test_folder_write(&folder, "fs/cpu,cpuacct/jobs/1/cpu.cfs_period_us", "100000\n");
    cr_expect_eq(quota("5:cpuset:/\n4:cpu,cpuacct:/jobs/1\n0::/\n"), 2);
    cr_expect_eq(quota("4:cpuset,memory:/jobs/1\n"), 0);
    test_folder_write(&folder, "fs/cpu/jobs/cpu.cfs_quota_us", "100000\n");
    test_folder_write(&folder, "fs/cpu/jobs/cpu.cfs_period_us", "100000\n");
    cr_expect_eq(quota("4:cpuacct,cpu:/jobs/1\n"), 1);
    test_folder_write(&folder, "fs/cpu/jobs/cpu.cfs_quota_us", "-1\n");
    cr_expect_eq(quota("4:cpuacct,cpu:/jobs/1\n"), 0);
}
