#!/usr/bin/python3
"""Switchyard and PyTorch side by side: interleaved rounds, the table of ratios in Markdown, CSV and JSON.

Round after round, case after case, `switchyard bench` and every mode of every PyTorch take their turn, each in a process of
its own, so that what the machine does meanwhile meets all alike. Of each, the figure is the median over rounds of the
rounds' medians; a PyTorch counts with the best of its modes: default or channels-last layout, eager or torch.compile
(where it has one), in bf16 under autocast. README.md says what is counted in a step."""
import argparse
import csv
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAIR_CLASSES = 16  # of pair.cfg
# glibc gives large blocks back to the kernel and takes them anew every step; told not to, PyTorch is up to a third faster
TUNED = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "268435456"}


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, environment):
    """stdout of a command, or None and why not."""
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        return done.stdout, None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return None, lines[-1] if lines else f"exit code {done.returncode}"


class Contestant:
    """One program in one mode on one case: medians, minima and maxima of its rounds by kind of step."""

    def __init__(self, case, precision, who, mode):
        self.case, self.precision, self.who, self.mode = case, precision, who, mode
        self.rounds, self.peak, self.parameters, self.failed = {}, [], None, None

    def note(self, step, median, least, most):
        self.rounds.setdefault(step, []).append((median, least, most))

    def median(self, step):
        return statistics.median(row[0] for row in self.rounds[step])

    def fastest(self, step):
        return min(row[1] for row in self.rounds[step])

    def slowest(self, step):
        return max(row[2] for row in self.rounds[step])


class Ours(Contestant):
    def __init__(self, options, case, precision, label, arguments):
        super().__init__(case, precision, "switchyard", label)
        case_words = [str(HERE / "pair.cfg")] if case == "pair" else ["--net", case, "--classes", str(options.classes)]
        self.command = [options.switchyard, "bench", *case_words, "--precision", precision, "--json", "--rounds", "1",
                        "--steps", str(options.steps), "--threads", str(options.threads), "--batch", str(options.batch),
                        *arguments]
        if options.backend:
            self.command += ["--backend", options.backend]
        self.environment = dict(os.environ)

    def take_turn(self):
        text, self.failed = run(self.command, self.environment)
        if self.failed:
            return
        answer = json.loads(text)
        self.parameters, self.backend = answer["parameters"], answer["backend"]
        self.peak.append(answer["peak_mib"])
        other = "expert" if self.case == "pair" else "inference"
        for step, key in (("learning", "step_ms"), (other, f"{other}_step_ms")):
            self.note(step, *(answer[key][part] for part in ("median", "min", "max")))


class Theirs(Contestant):
    def __init__(self, options, case, precision, python, who, layout, compiled):
        super().__init__(case, precision, who, layout + (", compiled" if compiled else ""))
        classes = PAIR_CLASSES if case == "pair" else options.classes
        self.command = [python, str(HERE / "torch_steps.py"), "--net", case, "--precision", precision, "--layout",
                        layout, "--threads", str(options.threads), "--batch", str(options.batch), "--classes",
                        str(classes), "--steps", str(options.torch_steps)] + ["--compile"] * compiled
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
        if options.malloc == "tuned":
            self.environment.update(TUNED)

    def take_turn(self):
        text, self.failed = run(self.command, self.environment)
        if self.failed:
            return
        answer = json.loads(text.splitlines()[-1])
        self.parameters = answer["parameters"]
        self.peak.append(answer["peak_mib"])
        for step, samples in answer["samples_ms"].items():
            self.note(step, statistics.median(samples), min(samples), max(samples))


def look_at(python):
    """Version of a python's torch, and whether it can compile; exits where there is none."""
    code = "import torch; print(torch.__version__, int(hasattr(torch, 'compile')))"
    text, failed = run([python, "-c", code], dict(os.environ))
    if failed:
        sys.exit(f"compare.py: {python}: {failed}; --python must name a python with PyTorch")
    version, compiles = text.split()
    return version, bool(int(compiles))


def contestants(options):
    """By case and precision: ours in every variant, then each PyTorch in every mode."""
    pythons = [(python, *look_at(python)) for python in options.python]
    variants = [("", [])]
    for text in options.variant:
        label, _, arguments = text.partition("=")
        variants.append((label, shlex.split(arguments)))
    cases = {}
    for case in options.cases:
        for precision in options.precisions:
            rivals = [Ours(options, case, precision, label, arguments) for label, arguments in variants]
            for python, version, compiles in pythons:
                for compiled in [False, True] if compiles and not options.no_compile else [False]:
                    for layout in ("default", "channels_last"):
                        rivals.append(Theirs(options, case, precision, python, f"PyTorch {version}", layout, compiled))
            cases[case, precision] = rivals
    return cases


def measure(options, cases):
    for turn in range(options.rounds):
        for (case, precision), rivals in cases.items():
            for rival in rivals:
                ours = [one for one in rivals if isinstance(one, Ours)]
                if not rival.failed and not all(one.failed for one in ours):
                    say(f"round {turn + 1} of {options.rounds}: {case} {precision}, {rival.who} {rival.mode}")
                    rival.take_turn()
                    if rival.failed:
                        say(f"  left out: {rival.failed}")


def check_parameters(cases):
    for (case, _), rivals in cases.items():
        counts = {rival.parameters for rival in rivals if rival.rounds and rival.parameters}
        if len(counts) > 1:
            sys.exit(f"compare.py: {case} has {sorted(counts)} parameters: these are not the same networks")


def rows(cases):
    """One row for each step of ours and each PyTorch: case, precision, step, ours, theirs, ratios."""
    out = []
    for (case, precision), rivals in cases.items():
        for ours in [one for one in rivals if isinstance(one, Ours) and one.rounds]:
            for who in dict.fromkeys(one.who for one in rivals if isinstance(one, Theirs)):
                modes = [one for one in rivals if one.who == who and one.rounds]
                for step in ours.rounds:
                    with_step = [one for one in modes if step in one.rounds]
                    if not with_step:
                        continue
                    best = min(with_step, key=lambda one: one.median(step))
                    fastest = min(one.fastest(step) for one in with_step)
                    out.append({
                        "case": case, "precision": precision, "step": step, "variant": ours.mode,
                        "ours_ms": ours.median(step), "ours_min_ms": ours.fastest(step),
                        "ours_max_ms": ours.slowest(step), "rival": who, "rival_mode": best.mode,
                        "rival_ms": best.median(step), "ratio": best.median(step) / ours.median(step),
                        "rival_fastest_step_ms": fastest, "ratio_to_fastest_step": fastest / ours.median(step),
                        "ours_peak_mib": statistics.median(ours.peak), "rival_peak_mib": statistics.median(best.peak)})
    return out


def print_table(options, table, cases):
    backends = sorted({one.backend for rivals in cases.values() for one in rivals if isinstance(one, Ours) and one.rounds})
    print(f"{options.threads} threads, batch {options.batch}, interleaved rounds: {options.rounds}; backend "
          f"{', '.join(backends)}; PyTorch with {options.malloc} malloc, the best of its modes\n")
    print("| case | precision | step | ms (min - max) | rival | its best mode | ms | **ratio** | to its fastest step |"
          " peak MiB, ours / its |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in table:
        precision = row["precision"] + (f" ({row['variant']})" if row["variant"] else "")
        print(f"| {row['case']} | {precision} | {row['step']} | {row['ours_ms']:.1f} ({row['ours_min_ms']:.1f} - "
              f"{row['ours_max_ms']:.1f}) | {row['rival']} | {row['rival_mode']} | {row['rival_ms']:.1f} | "
              f"**{row['ratio']:.2f}** | {row['ratio_to_fastest_step']:.2f} | {row['ours_peak_mib']:.0f} / "
              f"{row['rival_peak_mib']:.0f} |")
    for (case, precision), rivals in cases.items():
        for one in rivals:
            if one.failed:
                print(f"\nleft out: {case} {precision}, {one.who}{' ' if one.mode else ''}{one.mode}: {one.failed}")


def write_files(options, table, cases):
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "ratios.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    everything = [{"case": one.case, "precision": one.precision, "who": one.who, "mode": one.mode,
                   "command": one.command, "rounds_ms": one.rounds, "peak_mib": one.peak, "failed": one.failed}
                  for rivals in cases.values() for one in rivals]
    with open(folder / "rounds.json", "w") as file:
        json.dump({"options": vars(options), "ratios": table, "rounds": everything}, file, indent=1)
    say(f"ratios.csv and rounds.json are in {folder}")


def words(text):
    return text.split(",")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--switchyard", default=str(HERE.parent.parent / "build" / "switchyard"))
    parser.add_argument("--python", action="append", help="a python with PyTorch; as often as there are (default: "
                        "/usr/bin/python3)")
    parser.add_argument("--cases", type=words, default=["wrn-16-2", "resnet-20", "mobilenetv2-0.5", "pair"],
                        help="networks as in `switchyard bench --net`, and pair; with commas")
    parser.add_argument("--precisions", type=words, default=["fp32", "bf16"])
    parser.add_argument("--backend", help="of Switchyard (default: the best there is)")
    parser.add_argument("--variant", action="append", default=[], metavar="LABEL=ARGUMENTS",
                        help="measure Switchyard also with these arguments of `switchyard bench`")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10, help="counted steps of ours in a round")
    parser.add_argument("--torch-steps", type=int, default=6, help="counted steps of PyTorch's in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--malloc", choices=["tuned", "default"], default="tuned", help="of PyTorch's processes")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--out", default="runs/bench", help="folder for ratios.csv and rounds.json")
    options = parser.parse_args()
    options.python = options.python or ["/usr/bin/python3"]
    cases = contestants(options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    interrupted = False
    try:
        measure(options, cases)
    except KeyboardInterrupt:
        interrupted = True
        options.rounds = max(len(one.peak) for rivals in cases.values() for one in rivals)
        say("interrupted")
    check_parameters(cases)
    table = rows(cases)
    if table:
        print_table(options, table, cases)
        write_files(options, table, cases)
    else:
        say("compare.py: nothing to compare was measured; nothing is written")
    sys.exit(130 if interrupted else 0 if table else 1)


if __name__ == "__main__":
    main()
