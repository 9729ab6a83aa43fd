#!/usr/bin/env python3
"""What it costs that puzzles are drawn on a terminal while the model thinks.

    python3 benches/drawing.py [--runs 11] [--threads 1] [--program target/release/recurra]

Answers the same puzzles with their answers into a pipe, and drawn on a terminal of 80 columns and 24 lines that this script reads as fast as it
comes. No rule ends the thinking early, so that both do the same steps: what differs is the drawing. Runs take turns, a pipe and a terminal, in an order
that changes; told are the medians and the median of the ratios of neighbours, with its middle half. Needs Linux or macOS.
"""

import argparse
import fcntl
import os
import pathlib
import pty
import statistics
import struct
import subprocess
import tempfile
import termios
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Name, model, flags of `generate`, puzzles, most steps.
TASKS = [
    ("Sudoku 9x9", "sudoku9", ["sudoku", "--size", "9"], 12, 100),
    ("maze 30x30", "maze30", ["maze", "--size", "30", "--min-path", "60"], 4, 24),
]


def piped(command):
    """Seconds until the program has answered into a pipe."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def drawn(command):
    """Seconds until the program has drawn on a terminal, and the bytes it drew."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.perf_counter()
    environment = {**os.environ, "TERM": "xterm-256color"}
    program = subprocess.Popen(command, stdout=terminal, stderr=subprocess.DEVNULL, env=environment)
    os.close(terminal)
    count = 0
    while True:
        try:
            read = os.read(master, 1 << 16)
        except OSError:
            break  # Linux says so that nobody has the terminal open any more.
        if not read:
            break
        count += len(read)
    if program.wait() != 0:
        raise SystemExit(f"{command} ended with {program.returncode}")
    seconds = time.perf_counter() - began
    os.close(master)
    return seconds, count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/recurra")
    args = parser.parse_args()
    print("| | pipe, s | terminal, s | terminal / pipe | drawn, KB |\n| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, model, kind, count, steps in TASKS:
            puzzles = f"{folder}/{model}.csv"
            made = [args.program, "generate", *kind, "--count", str(count), "--seed", "1", "-o", puzzles]
            subprocess.run(made, check=True, stderr=subprocess.DEVNULL)
            command = [args.program, "solve", ROOT / f"models/{model}.safetensors", puzzles, "--threads", str(args.threads)]
            command += ["--stop", "none", "--max-steps", str(steps)]
            drawn(command)
            pairs, size = [], 0
            for run in range(args.runs):
                if run % 2:
                    seconds, size = drawn(command)
                    pairs.append((piped(command), seconds))
                else:
                    first = piped(command)
                    seconds, size = drawn(command)
                    pairs.append((first, seconds))
            ratios = sorted(terminal / pipe for pipe, terminal in pairs)
            low, middle, high = (statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3)
            pipe, terminal = (statistics.median(column) for column in zip(*pairs))
            print(f"| {name}, {count} puzzles of {steps} steps | {pipe:.3f} | {terminal:.3f} | {middle:.3f} ({low:.3f} to {high:.3f}) | {size / 1000:.0f} |", flush=True)


if __name__ == "__main__":
    main()
