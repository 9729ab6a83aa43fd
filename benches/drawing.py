#!/usr/bin/env python3
"""What it costs that puzzles are drawn on a terminal while the model thinks.

    python3 benches/drawing.py [--runs 11] [--threads 1] [--program target/release/recurra]

Answers the same puzzles with their answers into a pipe, and drawn on a terminal of 80 columns and 24 lines that this script reads as fast as it
comes. No rule ends the thinking early, so that both do the same steps: what differs is the drawing. Runs take turns, a pipe and a terminal, in an order
that changes; told are the medians and the median of the ratios of neighbours, with its middle half, of time and of the time of processors, which
depends less on what else a machine does. Needs Linux or macOS.
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
    ("Sudoku 9x9", "sudoku9", ["sudoku", "--size", "9"], 8, 100),
    ("maze 30x30", "maze30", ["maze", "--size", "30", "--min-path", "60"], 16, 16),
]


def ended(program, began):
    """Seconds since then, and seconds of processors that the program took."""
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode != 0:
        raise SystemExit(f"{program.args} ended with {program.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def piped(command):
    """Answers into a pipe: what it took."""
    began = time.perf_counter()
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    program.stdout.read()
    return ended(program, began)


def drawn(command):
    """Draws on a terminal: what it took, and the bytes that were drawn."""
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
    os.close(master)
    return ended(program, began), count


def told(pairs):
    """Medians of pipe and terminal, and of their ratios, with the ratios' middle half."""
    ratios = [terminal / pipe for pipe, terminal in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    pipe, terminal = (statistics.median(column) for column in zip(*pairs))
    return f"{pipe:.3f} | {terminal:.3f} | {middle:.3f} ({low:.3f} to {high:.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/recurra")
    args = parser.parse_args()
    print("| | pipe, s | terminal, s | ratio | pipe, s of processors | terminal | ratio | drawn, KB |\n| --- |" + " ---: |" * 7)
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
                    terminal, size = drawn(command)
                    pipe = piped(command)
                else:
                    pipe = piped(command)
                    terminal, size = drawn(command)
                pairs.append((pipe, terminal))
            wall, processors = ([(pipe[i], terminal[i]) for pipe, terminal in pairs] for i in range(2))
            print(f"| {name}, {count} puzzles of {steps} steps | {told(wall)} | {told(processors)} | {size / 1000:.0f} |", flush=True)


if __name__ == "__main__":
    main()
