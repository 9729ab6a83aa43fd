#!/usr/bin/env python3
"""One training step, in Recurra and in PyTorch, in turn.

    python3 benches/rivals/train_step.py [--threads 1] [--rounds 3] [--only compiled]

Hidden 128, 2 layers, MLP mixer, 36 + 16 positions, H 3, L 6, batch 128, as `cargo bench -p recurra --bench train_step`, in bf16 and in
f32. PyTorch in f32 and in bf16 (autocast), eager and compiled, with the mixer written from the left and from the right. Medians of interleaved rounds,
each a process of its own that warms up first.
"""

import argparse
import json
import re
import statistics
import subprocess
from pathlib import Path

from environment import HERE, ROOT, environment

STEPS = 6


def recurra(threads: int, precision: str) -> dict[str, float]:
    command = ["cargo", "bench", "--quiet", "-p", "recurra", "--bench", "train_step", "--", str(threads), str(STEPS), precision]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = re.search(r"([\d.]+) samples a CPU-second, ([\d.]+) a second.*memory (\d+) MB", text, re.DOTALL)
    if not found:
        raise SystemExit(f"train_step printed something else: {text}")
    return dict(zip(("cpu", "wall", "memory"), map(float, found.groups())))


def torch(python: Path, how: tuple[str, str, str], threads: int) -> dict[str, float]:
    command = [python, HERE / "train_torch.py", *how, str(threads), str(STEPS)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip().splitlines()[-1])
    return json.loads(run.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="contenders with one of these in their names, beside Recurra")
    args = parser.parse_args()
    python = environment()
    contenders = {}
    for precision in ("bf16", "f32"):
        contenders[f"Recurra {precision}"] = lambda how=precision: recurra(args.threads, how)
    for precision in ("f32", "bf16"):
        for mode in ("eager", "compiled"):
            for form in ("left", "right"):
                how = (form, precision, mode)
                contenders[f"PyTorch {precision}, {mode}, {form}"] = lambda how=how: torch(python, how, args.threads)
    if args.only:
        chosen = ["Recurra", *args.only]
        contenders = {name: run for name, run in contenders.items() if any(text in name for text in chosen)}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for _ in range(args.rounds):
        for name, run in contenders.items():
            try:
                found[name].append(run())
            except RuntimeError as error:
                print(f"{name}: {error}")
    print(f"{args.threads} threads, medians of {args.rounds} rounds\n")
    print("| | samples a CPU-second | samples a second | ours in bf16, times as fast | MB |\n| --- | ---: | ---: | ---: | ---: |")
    ours = statistics.median(run["wall"] for run in found["Recurra bf16"])
    for name, runs in found.items():
        if runs:
            cpu, wall, memory = (statistics.median(run[key] for run in runs) for key in ("cpu", "wall", "memory"))
            print(f"| {name} | {cpu:.1f} | {wall:.1f} | {ours / wall:.2f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
