/* costs.h - what a run costs: seconds, memory and, where the machine tells it, energy. */
#ifndef SY_TRAIN_COSTS_H
#define SY_TRAIN_COSTS_H

#include <stdint.h>

/* Of the work that counts: what a killed process did after its last checkpoint is done again, and counted once. */
struct sy_costs {
    double seconds;          /* in steps, evaluation and checkpoints */
    double training_seconds; /* in steps only */
    double peak_mib;         /* the most memory a process of the run had resident; NaN: not told */
    double energy_joules;    /* what the processor packages spent meanwhile, on everything they did; NaN: not told */
};

/* The most memory this process ever had resident, MiB. */
double sy_peak_mib(void);

/* Counters of Linux's powercap (RAPL), one a processor package, in microjoules. They run over, so they must be read more
 * often than that happens (at 200 W after about 20 minutes). */
#define SY_MOST_PACKAGES 16
struct sy_energy_meter {
    int count; /* packages; 0: the machine does not tell */
    int files[SY_MOST_PACKAGES];
    uint64_t last[SY_MOST_PACKAGES], range[SY_MOST_PACKAGES];
    double joules; /* since init */
};

/* folder: NULL for the system's, /sys/class/powercap. Packages that may not be read count as not there. */
void sy_energy_meter_init(struct sy_energy_meter *meter, const char *folder);
void sy_energy_meter_finish(struct sy_energy_meter *meter);
/* Joules since init; NaN where the machine does not tell. */
double sy_energy_meter_read(struct sy_energy_meter *meter);

#endif
