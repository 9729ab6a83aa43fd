"""The reference's evaluation loop in PyTorch beside this library's, on the same weights: the same predictions? And how fast is each?

    pip install recurra[torch] safetensors
    python benches/python/torch_loop.py models/sudoku6.safetensors --json torch-loop.json

The model is exported as the reference saves it (`export_checkpoint`); PyTorch loads that checkpoint, and so does `import_checkpoint`. Both
do all improvement steps on the same questions, a batch at a time, with the same number of threads. In each round everyone takes a turn;
ratios are those of one round, and medians of them are told: of seconds that passed, and of seconds of processor time, which another
program on the same machine disturbs less. PyTorch runs eagerly, as the reference's evaluation does where no GPU is.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import recurra

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "rivals"))
import model as rival  # noqa: E402

PREFIX = "_orig_mod.model.inner."


class Loop:
    """The evaluation loop over a checkpoint."""

    def __init__(self, checkpoint: Path, architecture: dict[str, object]) -> None:
        names = {field.name for field in dataclasses.fields(rival.Config)}
        self.config = rival.Config(**{name: value for name, value in architecture.items() if name in names})
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        self.weights = {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
        # Products from the right, as in the reference's code.
        self.network = rival.Network(self.config, self.weights, rival.Form(left=False, apart=False)).eval()

    @torch.inference_mode()
    def predict(self, inputs: np.ndarray, steps: int) -> np.ndarray:
        config, weights = self.config, self.weights
        x = rival.embed(config, weights, torch.from_numpy(inputs.astype(np.int64)))
        z_h, z_l = rival.start(config, weights, len(inputs))
        for _ in range(steps):
            for _ in range(config.h_cycles):
                z_h, z_l = rival.cycle(config, self.network, x, z_h, z_l)
        logits = z_h[:, -config.seq_len :] @ weights["lm_head.weight"].T
        return logits.argmax(-1).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    original = recurra.Model.from_pretrained(args.model, threads=args.threads)
    task, steps = original.task, original.info["max_steps"]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = original.export_checkpoint(folder)
        loop = Loop(checkpoint, original.info["architecture"])
        models = {"f32": recurra.import_checkpoint(checkpoint, task=task, threads=args.threads)}
    for precision in ("bf16", "q8"):
        models[precision] = models["f32"].quantize(precision)
    puzzles = task.generate(args.questions, seed=2026)
    inputs, labels = (task.encode([puzzle[i] for puzzle in puzzles]) for i in range(2))
    batches = [inputs[i : i + args.batch] for i in range(0, len(inputs), args.batch)]

    contenders = {"torch": lambda batch: loop.predict(batch, steps)}
    for precision, model in models.items():
        contenders[precision] = lambda batch, model=model: model.predict(batch, steps=steps).tokens
    predictions: dict[str, np.ndarray] = {}
    clocks = {"seconds": time.perf_counter, "cpu_seconds": time.process_time}
    taken: dict[str, dict[str, list[float]]] = {name: {clock: [] for clock in clocks} for name in contenders}
    for number in range(args.rounds + 1):
        for name, predict in contenders.items():
            started = {clock: read() for clock, read in clocks.items()}
            predictions[name] = np.concatenate([predict(batch) for batch in batches])
            # The first round is for warming up.
            if number:
                for clock, read in clocks.items():
                    taken[name][clock].append(read() - started[clock])

    theirs = predictions["torch"]
    found: dict[str, object] = {
        "model": original.info["id"], "task": str(task), "questions": len(inputs), "batch": args.batch, "steps": steps,
        "threads": args.threads, "rounds": args.rounds,
        "torch": {"version": torch.__version__, "exact": float((theirs == labels).all(1).mean())},
    }  # fmt: skip
    for name in models:
        ours = predictions[name]
        found[name] = {
            "questions_predicted_as_torch": int((ours == theirs).all(1).sum()),
            "exact": float((ours == labels).all(1).mean()),
        }
        for clock in clocks:
            pairs = zip(taken["torch"][clock], taken[name][clock])
            found[name][f"times_as_fast_as_torch_in_{clock}"] = statistics.median(t / o for t, o in pairs)
    for name in contenders:
        found[name] |= {clock: statistics.median(values) for clock, values in taken[name].items()}
    print(json.dumps(found, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")
    if found["f32"]["questions_predicted_as_torch"] != len(inputs):
        raise SystemExit("f32: expected the predictions of PyTorch, found others")


if __name__ == "__main__":
    main()
