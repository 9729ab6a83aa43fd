#!/usr/bin/env python3
"""Whether training in bfloat16 ends where training in f32 does: both on a 4x4 Sudoku, with the same seeds and steps.

    python3 benches/precision.py --steps 4000 --seeds 3 --svg docs/images/precision.svg

Prints the loss at the end, the share of held-out puzzles answered right and the samples a second of every training, and draws the curves
of the loss. A processor without products of bfloat16 takes long for those. Needs Python 3.9 and `cargo build --release`.
"""

import argparse
import math
import pathlib
import tempfile

from ablation import train

COLOURS = {"f32": "#1f6f8b", "bf16": "#d1495b"}
WIDTH, HEIGHT, MARGIN = 720, 360, 60


def draw(curves, path):
    """Curves of the loss by step, on a logarithmic scale."""
    points = [(float(row["step"]), float(row["loss"])) for _, _, log in curves for row in log]
    most = max(step for step, _ in points)
    low = math.floor(math.log10(min(loss for _, loss in points)))
    high = math.ceil(math.log10(max(loss for _, loss in points)))
    across = lambda step: MARGIN + (WIDTH - 2 * MARGIN) * step / most
    up = lambda loss: HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (math.log10(loss) - low) / (high - low)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        y = up(10.0**power)
        out.append(f'<path d="M{MARGIN} {y:.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>')
        out.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for name, seed, log in curves:
        line = " ".join(f"{across(float(row['step'])):.1f},{up(float(row['loss'])):.1f}" for row in log)
        out.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="1.2" opacity="0.8"/>')
    for i, (name, colour) in enumerate(COLOURS.items()):
        out.append(f'<text x="{WIDTH - MARGIN - 60}" y="{MARGIN + 18 * i}" fill="{colour}">{name}</text>')
    out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">training steps, to {most:.0f}; loss</text>')
    path.write_text("\n".join([*out, "</svg>\n"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--svg", type=pathlib.Path)
    args = parser.parse_args()
    print("| precision, seed | loss | held out, exact | samples a second |\n| --- | ---: | ---: | ---: |")
    curves = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(args.seeds):
            for name in COLOURS:
                arguments = ["--size", 4, "--steps", args.steps, "--threads", args.threads, "--seed", seed, "--precision", name]
                log = train(map(str, arguments), f"{folder}/{name}-{seed}")
                last = log[-1]
                exact, rate = 100 * float(last["held_out"]), float(last["samples"]) / float(last["seconds"])
                print(f"| {name}, {seed} | {float(last['loss']):.4f} | {exact:.1f} % | {rate:,.0f} |", flush=True)
                curves.append((name, seed, log))
    if args.svg:
        draw(curves, args.svg)


if __name__ == "__main__":
    main()
