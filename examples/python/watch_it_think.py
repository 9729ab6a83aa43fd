"""Trains a small model, watches it think, quantises it and compares. Everything it makes lies in one folder.

    pip install recurra matplotlib
    python examples/python/watch_it_think.py --minutes 1 --folder thinking

`training.png`: loss and held-out questions over the time. `thinking.svg`, `thinking.gif`: one question, step by step.
`certainty.png`: how sure the model is of each cell after each step. `precisions.png`: what fewer bits cost and save.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import recurra

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--folder", type=Path, default=Path("thinking"))
parser.add_argument("--size", type=int, default=4, choices=recurra.tasks.sudoku.SIZES)
length = parser.add_mutually_exclusive_group()
length.add_argument("--minutes", type=float, default=1.0)
length.add_argument("--steps", type=int)
parser.add_argument("--threads", type=int)
parser.add_argument("--questions", type=int, default=300)
args = parser.parse_args()
args.folder.mkdir(parents=True, exist_ok=True)

# %% Train a model, and look at it while it learns.


def tell(progress: recurra.Progress) -> None:
    if progress.held_out is not None:
        print(f"step {progress.step}: loss {progress.loss:.3f}, {progress.held_out:.1%} of the held-out questions answered")


how_long = {"steps": args.steps} if args.steps else {"minutes": args.minutes}
training = recurra.train(
    args.folder / "model.safetensors", task="sudoku", size=args.size, mixer="mlp", threads=args.threads, callback=tell, **how_long
)
model = training.model
print(model)

figure, left = plt.subplots()
left.plot([row.seconds for row in training.log], [row.loss for row in training.log], color="tab:blue")
left.set(xlabel="seconds", ylabel="loss", title="Training")
right = left.twinx()
measured = [row for row in training.log if row.held_out is not None]
right.plot([row.seconds for row in measured], [100 * row.held_out for row in measured], "o-", color="tab:orange")
right.set(ylabel="held-out questions answered, %", ylim=(0, 102))
figure.savefig(args.folder / "training.png")

# %% Watch it think about a puzzle that it has never seen.

puzzles = recurra.tasks.sudoku.generate(args.questions, args.size, seed=1, held_out=True)
questions, expected = [p.question for p in puzzles], [p.answer for p in puzzles]
results = model.solve(questions)
slowest = int(results.steps.argmax())
trace = model.trace(questions[slowest])
trace.save(args.folder / "thinking.svg")
trace.save(args.folder / "thinking.gif")
print(model.task.draw(questions[slowest]))
print(f"{len(trace)} steps, verified: {trace.verified[-1]}")

figure, axes = plt.subplots()
image = axes.imshow(trace.certainty, aspect="auto", vmin=0, vmax=1)
axes.set(xlabel="cell", ylabel="step", title="How sure the model is of its answer")
figure.colorbar(image)
figure.savefig(args.folder / "certainty.png")

# %% Fewer bits: how much smaller, how fast, and how often right?

names, sizes, shares, seconds = [], [], [], []
for name in ("f32", "bf16", "q8", "q4"):
    one = model if name == "f32" else recurra.quantize(model, name)
    started = time.perf_counter()
    answers = one.solve(questions).answers
    seconds.append(time.perf_counter() - started)
    names.append(name)
    sizes.append(len(one.to_bytes()) / 1024)
    shares.append(100 * sum(a == b for a, b in zip(answers, expected)) / len(expected))
    print(f"{name}: {sizes[-1]:.0f} KiB, {shares[-1]:.1f} % right, {seconds[-1] * 1000 / len(expected):.2f} ms a question")

figure, three = plt.subplots(1, 3, figsize=(10, 3.5), layout="constrained")
for axes, values, title in zip(three, (sizes, shares, seconds), ("KiB", "% right", f"seconds for {len(expected)} questions")):
    axes.bar(names, values)
    axes.set(title=title)
figure.savefig(args.folder / "precisions.png")
