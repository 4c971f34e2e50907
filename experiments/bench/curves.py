#!/usr/bin/python3
"""How the cost of a step grows with the batch, the depth, the number of nodes and the threads: tables in Markdown.

Every point is a run of `switchyard bench`; the rounds of all points of a curve interleave. The last column is the time per
unit against that of the first row: 1.00 everywhere is a straight line through zero."""
import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def node_arguments(count):
    """nodes.cfg has one node; the others are added to it."""
    return [str(HERE / "nodes.cfg")] + [f"--set=nodes.n{k}.plugin=resnet_cifar" for k in range(2, count + 1)]


def curves(options):
    """Title, what a row is called, and by row: how many units of work, and the arguments."""
    net, batch = ["--net", "resnet-20"], ["--batch", str(options.batch)]
    threads = ["--threads", str(options.threads)]
    yield "batch (ResNet-20)", "images", [(n, [*net, "--batch", str(n), *threads]) for n in (32, 64, 128, 256)]
    yield "depth (ResNet)", "depth", [(n, ["--net", f"resnet-{n}", *batch, *threads]) for n in (20, 32, 44, 56)]
    yield "nodes (ResNet-20 each)", "nodes", [(n, [*node_arguments(n), *batch, *threads]) for n in (1, 2, 4, 8)]
    yield "threads (WRN-16-2)", "threads", [
        (n, ["--net", "wrn-16-2", *batch, "--threads", str(n)]) for n in range(1, options.threads + 1)]


def measure(options, arguments):
    command = [options.switchyard, "bench", *arguments, "--precision", options.precision, "--json", "--rounds", "1"]
    if options.backend:
        command += ["--backend", options.backend]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"curves.py: {' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def print_curve(title, unit, points, answers):
    print(f"\n{title}\n\n| {unit} | ms a step | images/s | peak MiB | time per unit against the first |\n|---|---|---|---|---|")
    first = None
    for (count, _), rounds in zip(points, answers):
        step = statistics.median(one["step_ms"]["median"] for one in rounds)
        each = step * count if unit == "threads" else step / count
        first = first or each
        print(f"| {count} | {step:.2f} | {1e3 * rounds[0]['batch'] / step:.0f} | "
              f"{statistics.median(one['peak_mib'] for one in rounds):.0f} | {each / first:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--switchyard", default=str(HERE.parent.parent / "build" / "switchyard"))
    parser.add_argument("--backend", help="(default: the best there is)")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for title, unit, points in curves(options):
        answers = [[] for _ in points]
        for turn in range(options.rounds):
            for (count, arguments), rounds in zip(points, answers):
                print(f"round {turn + 1} of {options.rounds}: {count} {unit}", file=sys.stderr, flush=True)
                rounds.append(measure(options, arguments))
        print_curve(title, unit, points, answers)


if __name__ == "__main__":
    main()
