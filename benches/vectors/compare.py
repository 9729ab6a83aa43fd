"""How often vectors find their answers: as they are, moved by adapters that do not think, and by models that do.

    python compare.py DIR --program target/release/recurra --minutes 5 --seeds 3 > DIR/results.json

DIR holds `train.safetensors` and `test.safetensors`; with `lengths`, results are told by the number of relations, too. All different
answers of the test are searched. Intervals: 95 %, 1,000 bootstrap samples of the test's questions. One of seven answers of the
training data is held out by `recurra train` to choose the model and to calibrate it, and is not given to the adapters either.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy as np
from safetensors.numpy import load_file

import adapters


class Pairs:
    def __init__(self, path):
        tensors = load_file(path)
        queries = tensors["queries"]
        self.queries = queries if queries.ndim == 3 else queries[:, None, :]
        self.answers = tensors["answers"]
        self.lengths = tensors.get("lengths", np.full(len(self.answers), self.queries.shape[1]))
        self.initial = tensors.get("initial", self.queries[:, 0, :])
        self.x = self.queries.reshape(len(self.queries), -1)
        self.passages, first, self.ids = np.unique(self.answers, axis=0, return_index=True, return_inverse=True)
        self.ids = self.ids.reshape(-1)

    def ranks(self, vectors):
        ranks = []
        for at in range(0, len(vectors), 1024):
            scores = vectors[at : at + 1024] @ self.passages.T
            right = scores[np.arange(len(scores)), self.ids[at : at + 1024]]
            ranks.append((scores >= right[:, None] - 1e-7).sum(axis=1))
        return np.concatenate(ranks)


def shares(ranks, rng):
    """Recall and reciprocal rank, with an interval for the first."""
    first = ranks == 1
    again = rng.choice(first, (1000, len(first))).mean(axis=1)
    low, high = np.quantile(again, [0.025, 0.975])
    return {
        "recall_at_1": first.mean(),
        "interval": [low, high],
        "recall_at_10": (ranks <= 10).mean(),
        "mrr": (1 / ranks).mean(),
    }


def describe(test, ranks):
    rng = np.random.default_rng(0)
    found = {"all": shares(ranks, rng)}
    hops = test.lengths - 1
    if len(set(hops)) > 1:
        for n in sorted(set(hops)):
            found[f"{n}"] = shares(ranks[hops == n], rng)
    return json.loads(json.dumps(found, default=float))


def solve(program, model, test, flags):
    """Vectors, mean steps, and the share that was refined."""
    d = test.answers.shape[1]
    lines = []
    for vectors, length, initial in zip(test.x, test.lengths, test.initial):
        lines.append(json.dumps({"question": vectors[: length * d].tolist(), "initial": initial.tolist()}))
    command = [program, "solve", model, "--json", *flags]
    out = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    answers = [json.loads(line) for line in out.splitlines()]
    vectors = np.array([a["vector"] for a in answers], np.float32)
    return vectors, np.mean([a["steps"] for a in answers]), np.mean([a["refined"] for a in answers])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="recurra")
    parser.add_argument("--steps", type=int, help="training steps of every model, instead of minutes")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--depths", default="1,4", help="improvement steps that models are trained with")
    parser.add_argument("--ks", default="1,2,4,8", help="improvement steps that they are asked for")
    parser.add_argument("--neighbours", type=int, default=0, help="also a model that retrieves so many answers in each step")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--flags", default="", help="more flags of `recurra train`")
    args = parser.parse_args()
    train, test = Pairs(args.folder / "train.safetensors"), Pairs(args.folder / "test.safetensors")
    results = []

    def tell(name, seed, ranks, **more):
        results.append({"name": name, "seed": seed, **more, "found": describe(test, ranks)})
        print(json.dumps(results[-1]), file=sys.stderr, flush=True)

    tell("raw", 0, test.ranks(test.initial))
    weights = None
    for seed in range(args.seeds):
        for depth in args.depths.split(","):
            model = args.folder / f"model-{depth}-{seed}.safetensors"
            budget = ["--steps", str(args.steps)] if args.steps else ["--minutes", str(args.minutes)]
            command = [args.program, "train", "--task", "vectors", "--data", args.folder / "train.safetensors", "-o", model]
            command += ["--think", depth, "--seed", str(seed), "--held-out", "7", "--threads", args.threads, *budget, *args.flags.split()]
            if not model.exists():
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            said = subprocess.run([args.program, "info", model, "--json"], check=True, capture_output=True, text=True).stdout
            info = json.loads(said)
            weights = info["weights"]
            for k in args.ks.split(","):
                vectors, steps, refined = solve(args.program, model, test, ["--max-steps", k])
                tell(f"trained with {depth}, K = {k}", seed, test.ranks(vectors), weights=weights, mean_steps=float(steps), refined=float(refined))
            vectors, steps, refined = solve(args.program, model, test, [])
            tell(f"trained with {depth}, adaptive", seed, test.ranks(vectors), weights=weights, mean_steps=float(steps), refined=float(refined))
        # What the models did not train on, the adapters do not either: answers in the order in which they come.
        order, numbers = {}, []
        for answer in train.ids:
            numbers.append(order.setdefault(answer, len(order)))
        kept = np.array(numbers) % 7 != 0
        steps = args.steps or info["provenance"]["training_steps"]
        for kind in ["linear", "low-rank", "mlp"]:
            began = time.monotonic()
            params = adapters.train(kind, train.x[kept], train.initial[kept], train.answers[kept], train.ids[kept], weights, steps, seed)
            count = sum(p.size for p in params)
            vectors = adapters.apply(kind, params, test.x, test.initial)
            tell(kind, seed, test.ranks(vectors), weights=count, seconds=round(time.monotonic() - began, 1))
    json.dump({"questions": len(test.ids), "passages": len(test.passages), "pairs": int(kept.sum()), "results": results}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
