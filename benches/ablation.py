#!/usr/bin/env python3
"""What each knob of the training does in a short time, on a Sudoku small enough to try them all.

    python3 benches/ablation.py --size 4 --minutes 0.2 --seeds 2 --threads 1

Trains once for each knob and seed, everything else as preset, all for the same time, and prints the share of held-out puzzles
answered right, the mean over seeds and each seed's, and the samples it has seen. Trainings run one after another. Needs Python 3.9 and
`cargo build --release`.
"""

import argparse
import csv
import pathlib
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

KNOBS = [
    ("as preset", []),
    ("stablemax", ["--probabilities", "stablemax"]),
    ("depth from the first step", ["--curriculum", "false"]),
    ("batch 128", ["--batch", "128"]),
    ("learning rate 0.002", ["--lr", "0.002"]),
    ("learning rate 0.008", ["--lr", "0.008"]),
    ("widths raised to multiples of 256", ["--swiglu-multiple", "256"]),
    ("all of these as the reference implementation's",
     ["--probabilities", "stablemax", "--curriculum", "false", "--batch", "128", "--lr", "0.002", "--swiglu-multiple", "256"]),
    ("Adam-atan2", ["--optimizer", "adam-atan2"]),
    ("Muon", ["--optimizer", "muon"]),
    ("half of the starts random", ["--random-start", "0.5"]),
    ("two starts, the best is trained", ["--starts", "2"]),
    ("label smoothing 0.1", ["--label-smoothing", "0.1"]),
    ("no weight decay", ["--weight-decay", "0"]),
    ("no moving average", ["--ema", "0"]),
    ("constant learning rate", ["--constant-lr"]),
    ("attention, rotary by cell", ["--mixer", "attention", "--positions", "line"]),
    ("attention, rotary by row and column", ["--mixer", "attention", "--positions", "grid"]),
]


def train(arguments, model):
    """The log of a training."""
    command = [ROOT / "target/release/recurra", "train", "--task", "sudoku", "-o", model, *arguments]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    with open(f"{model}.training/log.csv", newline="") as log:
        return list(csv.DictReader(log))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=0.2)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", type=int, metavar="N", help="knobs by number, from 0")
    args = parser.parse_args()
    knobs = [KNOBS[n] for n in args.only] if args.only else KNOBS
    print("| | held out, exact | by seed | samples |\n| --- | ---: | --- | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, flags in knobs:
            rows = []
            for seed in range(args.seeds):
                common = ["--size", args.size, "--minutes", args.minutes, "--threads", args.threads, "--seed", seed]
                rows.append(train([*map(str, common), *flags], f"{folder}/model")[-1])
            exact = [100 * float(row["held_out"]) for row in rows]
            samples = statistics.mean(float(row["samples"]) for row in rows)
            by_seed = ", ".join(f"{e:.1f}" for e in exact)
            print(f"| {name} | {statistics.mean(exact):.1f} % | {by_seed} | {samples:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
