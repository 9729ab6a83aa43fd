#!/usr/bin/env python3
"""Measures Recurra and its rivals in turn, on the same weights and the same questions.

Sets up what it needs under target/rivals; see README.md beside this file.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path

import environment
import report
from contenders import Contender, Failure, all_contenders
from environment import Setup

PAUSE = 0.05
"""Seconds between two contenders: threads that wait for work may spin a while."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "model", nargs="?", type=Path, help="model file in f32 [default: the authors' Sudoku model, halved random weights]"
    )
    parser.add_argument("--rounds", type=int, help="rounds of each configuration [default: 9]")
    parser.add_argument("--seconds", type=float, default=0.4, help="how long each contender runs in a round [0.4]")
    parser.add_argument("--batches", type=int, nargs="+", help="[default: 1 32]")
    parser.add_argument("--threads", type=int, nargs="+", help="[default: 1 2]")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders, or beginnings of their names")
    parser.add_argument("--recurra", type=Path, help="the program to measure [default: built from this checkout]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--quick", action="store_true", help="one round of a tiny model, to see that everything works")
    args = parser.parse_args()
    quick = args.quick
    args.rounds = args.rounds or (1 if quick else 9)
    args.batches = args.batches or ([1] if quick else [1, 32])
    args.threads = args.threads or ([1] if quick else [1, 2])
    if quick:
        args.seconds = min(args.seconds, 0.05)
    if min(args.rounds, *args.batches, *args.threads) < 1 or not args.seconds >= 0:
        parser.error("rounds, batches and threads are at least 1, seconds at least 0")
    return args


def measure(contenders: list[Contender], batch: int, threads: int, rounds: int, seconds: float) -> None:
    """Prepares one configuration, then runs its rounds. A contender that fails is left out from there on."""
    ready = []
    for contender in contenders:
        say(f"batch {batch}, threads {threads}: preparing {contender.name}")
        try:
            contender.prepare(batch, threads)
            ready.append(contender)
        except Failure as failure:
            say(f"{contender.name} failed: {failure}")
    for number in range(rounds):
        say(f"batch {batch}, threads {threads}: round {number + 1} of {rounds}")
        # Each round begins with another, so that none always follows the same neighbour's heat.
        turn = number % max(len(ready), 1)
        for contender in ready[turn:] + ready[:turn]:
            time.sleep(PAUSE)
            try:
                contender.run(batch, threads, seconds)
            except Failure as failure:
                say(f"{contender.name} failed: {failure}")
                ready = [other for other in ready if other is not contender]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    args = arguments()
    # Ended from outside, it ends its workers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare: ended"))
    try:
        setup = Setup.make(args)
        contenders = all_contenders(setup, args.only)
    except environment.Problem as problem:
        sys.exit(f"compare: {problem}")
    try:
        # One number of threads after the other: a worker has as many from its start to its end.
        for threads in args.threads:
            for batch in args.batches:
                measure(contenders, batch, threads, args.rounds, args.seconds)
            for contender in contenders:
                contender.stop()
    finally:
        for contender in contenders:
            contender.stop()
    result = report.Result(setup, args, contenders)
    print(result.markdown())
    if args.json:
        args.json.write_text(json.dumps(result.json(), indent=1) + "\n")


if __name__ == "__main__":
    main()
