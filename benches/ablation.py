#!/usr/bin/env python3
"""What each knob of the training does in a short time, on a Sudoku small enough to try them all.

    python3 benches/ablation.py --size 4 --minutes 0.2 --seeds 2 --threads 1
    python3 benches/ablation.py --mixer constraints --size 9 --samples 12000 --seeds 1 --threads 1

Trains once for each knob and seed, everything else as preset, and prints the share answered right of 1,000 generated puzzles whose
solution grids no training has seen, the mean over seeds and each seed's, the samples that the training has seen and the seconds it took.
With --minutes all train for the same time; with --samples the preset sees so many, and the others as many as take the same number of
floating point operations. Trainings run one after another. Needs Python 3.9 and `cargo build --release`.
"""

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECURRA = ROOT / "target/release/recurra"

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

# What a model over groups may be made of, and how it may be trained.
FORMS = [
    ("as preset", []),
    ("16 channels", ["--hidden", "16"]),
    ("64 channels", ["--hidden", "64"]),
    ("one layer", ["--layers", "1"]),
    ("three layers", ["--layers", "3"]),
    ("two L cycles", ["--l-cycles", "2"]),
    ("five L cycles", ["--l-cycles", "5"]),
    ("one H cycle", ["--h-cycles", "1"]),
    ("three H cycles", ["--h-cycles", "3"]),
    ("SwiGLUs of 32", ["--expansion", "1.5"]),
    ("SwiGLUs of 128", ["--expansion", "6"]),
    ("batch 12", ["--batch", "12"]),
    ("batch 48", ["--batch", "48"]),
    ("learning rate 0.0015", ["--lr", "0.0015"]),
    ("learning rate 0.006", ["--lr", "0.006"]),
    ("32 steps", ["--think", "32"]),
    ("Muon", ["--optimizer", "muon"]),
]


def recurra(*arguments):
    """What the program writes."""
    return subprocess.run([RECURRA, *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def train(arguments, model):
    """The last line of a training's log."""
    recurra("train", "--task", "sudoku", "--overwrite", "-o", model, *arguments)
    with open(f"{model}.training/log.csv", newline="") as log:
        return list(csv.DictReader(log))[-1]


def size_and_work(arguments, model):
    """The batch size, and what a sample costs up to a factor: the whole recursion forward, and twice its last H cycle backward."""
    train(["--steps", "1", "--pool", "64", *arguments], model)
    about = json.loads(recurra("info", "--json", model))
    work = about["flops_per_step"] * (1 + 2 / about["architecture"]["h_cycles"])
    return about["provenance"]["training"]["batch_size"], work


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4)
    parser.add_argument("--mixer", choices=["constraints"], help="a model over groups, and its own knobs")
    parser.add_argument("--minutes", type=float, default=0.2)
    parser.add_argument("--samples", type=int, help="as much work as so many samples are for the preset, instead of a time")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", type=int, metavar="N", help="knobs by number, from 0")
    args = parser.parse_args()
    knobs = FORMS if args.mixer else KNOBS
    knobs = [knobs[n] for n in args.only] if args.only else knobs
    common = ["--size", args.size, "--threads", args.threads, *(["--mixer", args.mixer] if args.mixer else [])]
    common = [str(argument) for argument in common]
    print("| | exact | by seed | samples | seconds |\n| --- | ---: | --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        model, puzzles = f"{folder}/model", f"{folder}/puzzles.csv"
        unseen = ["--count", "1000", "--seed", "1", "--held-out", "5", "--split", "test"]
        recurra("generate", "sudoku", "--size", str(args.size), *unseen, "-o", puzzles)
        preset = size_and_work(common, model)[1] if args.samples else None
        for name, flags in knobs:
            length = ["--minutes", str(args.minutes)]
            if args.samples:
                size, work = size_and_work([*common, *flags], model)
                length = ["--steps", str(round(args.samples * preset / work / size))]
            exact, runs = [], []
            for seed in range(args.seeds):
                runs.append(train([*common, *length, "--seed", str(seed), *flags], model))
                exact.append(100 * json.loads(recurra("eval", model, puzzles, "--json"))["exact"])
            samples, seconds = (statistics.mean(float(run[column]) for run in runs) for column in ("samples", "seconds"))
            by_seed = ", ".join(f"{e:.1f}" for e in exact)
            print(f"| {name} | {statistics.mean(exact):.1f} % | {by_seed} | {samples:,.0f} | {seconds:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
