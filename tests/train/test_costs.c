/* test_costs.c - energy counters as Linux shows them, in a folder made up for the purpose. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../scratch.h"
#include "train/costs.h"

static char folder[SCRATCH_ROOM];

static void put(int package, const char *name, const char *value) {
    char path[SCRATCH_ROOM + 64];
    snprintf(path, sizeof path, "%s/intel-rapl:%d", folder, package);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/intel-rapl:%d/%s", folder, package, name);
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(value, file) >= 0 && fclose(file) == 0);
}

static void make_folder(void) {
    scratch_folder(folder);
}

static void remove_folder(void) {
    scratch_clear(folder);
}

TestSuite(costs, .init = make_folder, .fini = remove_folder);

Test(costs, energy_is_summed_over_packages_and_past_the_end_of_a_counter) {
    struct sy_energy_meter meter;
    put(0, "max_energy_range_uj", "10000000\n");
    put(0, "energy_uj", "9000000\n");
    put(1, "max_energy_range_uj", "10000000\n");
    put(1, "energy_uj", "1000000\n");
    sy_energy_meter_init(&meter, folder);
    cr_expect_eq(meter.count, 2);
    put(0, "energy_uj", "500000\n"); /* ran over: 1.5 J */
    put(1, "energy_uj", "3000000\n");
    cr_expect_float_eq(sy_energy_meter_read(&meter), 3.5, 1e-12);
    cr_expect_float_eq(sy_energy_meter_read(&meter), 3.5, 1e-12);
    sy_energy_meter_finish(&meter);
}

Test(costs, a_machine_that_does_not_tell_gives_no_number) {
    struct sy_energy_meter meter;
    sy_energy_meter_init(&meter, folder);
    cr_expect(isnan(sy_energy_meter_read(&meter)));
    sy_energy_meter_finish(&meter);
    cr_expect_gt(sy_peak_mib(), 0.5);
}
