"""How often vectors find their answers: as they are, moved by adapters that do not think, and by models that do.

    python compare.py DIR --program target/release/recurra --steps 4000 --seeds 3 > DIR/results.json
    python table.py DIR/results.json

DIR holds `train.safetensors`, `valid.safetensors`, on which every method chooses its settings, and tests (`--tests`). Where questions
have several vectors, results are told by how many (for chains: the number of relations). All answers and passages of a test are searched.
`table.py` has the intervals. Where `texts.json` holds the texts of questions
and passages, BM25 and its sum with the vectors' scores are told, too.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy as np
from safetensors.numpy import load_file, save_file

import adapters

# Forms whose steps look at passages.
RETRIEVING = ("retrieval", "in-turn")


class Pairs:
    def __init__(self, path):
        tensors = load_file(path)
        queries = tensors["queries"]
        self.queries = queries if queries.ndim == 3 else queries[:, None, :]
        self.answers = tensors["answers"]
        self.lengths = tensors.get("lengths", np.full(len(self.answers), self.queries.shape[1]))
        self.initial = tensors.get("initial", self.queries[:, 0, :])
        self.path = tensors.get("path")
        self.x = self.queries.reshape(len(self.queries), -1)
        # Answers in the order in which they come, then the other passages: as the program numbers them.
        all_passages = np.concatenate([self.answers, tensors.get("passages", self.answers[:0])])
        _, first, ids = np.unique(all_passages, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        self.passages = all_passages[first[order]]
        self.ids = place[ids.reshape(-1)[: len(self.answers)]]

    def ranks(self, vectors, more=None):
        """The right passage's rank by these vectors' scores, to which `more(rows)` may add others."""
        ranks = []
        for at in range(0, len(vectors), 1024):
            rows = slice(at, min(at + 1024, len(vectors)))
            scores = vectors[rows] @ self.passages.T
            if more:
                scores = scores + more(rows)
            right = scores[np.arange(len(scores)), self.ids[rows]]
            ranks.append((scores >= right[:, None] - 1e-7).sum(axis=1))
        return np.concatenate(ranks)

    def nearest(self, vectors, k):
        found = []
        for at in range(0, len(vectors), 1024):
            found.append(np.argpartition(-(vectors[at : at + 1024] @ self.passages.T), k, axis=1)[:, :k])
        return np.concatenate(found)


def unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def mrr(ranks):
    return (1 / ranks).mean()


def rocchio(pairs, k, weight, calls):
    """The question moved towards the mean of what it retrieves, `calls` times."""
    vectors = unit(pairs.initial)
    for _ in range(calls):
        found = pairs.passages[pairs.nearest(vectors, k)].mean(axis=1)
        vectors = unit((1 - weight) * pairs.initial + weight * found)
    return vectors


class Bm25:
    """Scores of texts: k1 = 1.2, b = 0.75, words of letters and digits."""

    def __init__(self, passages):
        import re
        from collections import Counter

        self.words = lambda text: re.findall(r"[a-z0-9]+", text.lower())
        counts = [Counter(self.words(text)) for text in passages]
        self.lengths = np.array([sum(c.values()) for c in counts], np.float32)
        self.norm = 1.2 * (0.25 + 0.75 * self.lengths / self.lengths.mean())
        self.where = {}
        for i, c in enumerate(counts):
            for word, n in c.items():
                self.where.setdefault(word, []).append((i, n))

    def scores(self, questions):
        n = len(self.lengths)
        scores = np.zeros((len(questions), n), np.float32)
        for row, text in zip(scores, questions):
            for word in self.words(text):
                found = self.where.get(word)
                if found:
                    places, counts = np.array(found).T
                    weight = np.log(1 + (n - len(found) + 0.5) / (len(found) + 0.5))
                    row[places] += weight * counts * 2.2 / (counts + self.norm[places])
        return scores


def solve(program, model, test_file, test, flags):
    """Vectors, mean steps, and the share that was refined."""
    d = test.answers.shape[1]
    lines = []
    for vectors, length, initial in zip(test.x, test.lengths, test.initial):
        lines.append(json.dumps({"question": vectors[: length * d].tolist(), "initial": initial.tolist()}))
    command = [program, "solve", model, "--json", *flags]
    out = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    answers = [json.loads(line) for line in out.splitlines()]
    vectors = np.array([a["vector"] for a in answers], np.float32)
    return vectors, float(np.mean([a["steps"] for a in answers])), float(np.mean([a["refined"] for a in answers]))


def step_by_step(params, pairs, retrieve):
    """A perceptron that follows one relation, as often as there are relations; between them perhaps to the nearest passage."""
    vectors = pairs.initial.copy()
    hops = pairs.lengths - 1
    for hop in range(hops.max()):
        now = hops > hop
        at = np.flatnonzero(now)
        start = vectors[at]
        if retrieve and hop:
            start = pairs.passages[pairs.nearest(start, 1)[:, 0]]
        x = np.concatenate([start, pairs.queries[at, 1 + hop]], axis=1)
        vectors[at] = adapters.apply("mlp", params, x, start)
    return vectors


def single(pairs):
    """All single relations on the way of chains."""
    starts, relations, ends = [], [], []
    for row, path, length in zip(pairs.queries, pairs.path, pairs.lengths):
        before = row[0]
        for hop in range(length - 1):
            starts.append(before), relations.append(row[1 + hop]), ends.append(path[hop])
            before = path[hop]
    starts, relations, ends = map(np.stack, (starts, relations, ends))
    rows = np.unique(np.concatenate([starts, relations, ends], axis=1), axis=0)
    d = starts.shape[1]
    _, ids = np.unique(rows[:, 2 * d :], axis=0, return_inverse=True)
    return rows[:, : 2 * d], rows[:, :d], rows[:, 2 * d :], ids.reshape(-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="recurra")
    parser.add_argument("--tests", default="test")
    parser.add_argument("--steps", type=int, default=4000, help="training steps of every model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--think", default="4", help="improvement steps that models are trained with")
    parser.add_argument("--ks", default="1,2,4,8", help="improvement steps that they are asked for")
    parser.add_argument("--forms", default="plain", help="of `plain`, `path`, `retrieval`, `in-turn`, `in-turn-without`: comma-separated")
    parser.add_argument("--neighbours", type=int, default=1, help="passages that each step of the forms that retrieve sees")
    parser.add_argument("--adapters", default="linear,low-rank,mlp")
    parser.add_argument("--weights", type=int, default=0, help="weights of the perceptron, where no model is trained")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--flags", default="", help="more flags of `recurra train`")
    args = parser.parse_args()
    file = lambda name: args.folder / f"{name}.safetensors"
    train, valid = Pairs(file("train")), Pairs(file("valid"))
    tests = {name: Pairs(file(name)) for name in args.tests.split(",")}
    results = []

    def tell(name, test, seed, ranks, **more):
        hops = tests[test].lengths - 1
        results.append({"name": name, "test": test, "seed": seed, **more, "ranks": ranks.tolist(), "groups": hops.tolist()})
        said = {f"recall@1 of {h}": round(100 * (ranks[hops == h] == 1).mean(), 2) for h in sorted(set(hops.tolist()))}
        print(json.dumps({"name": name, "test": test, "seed": seed, **said, **more}), file=sys.stderr, flush=True)

    texts = args.folder / "texts.json"
    texts = json.loads(texts.read_text()) if texts.exists() else None
    options = [(k, w, c) for k in (1, 3, 10) for w in (0.1, 0.2, 0.3, 0.5) for c in (1, 4)]
    best = max(options, key=lambda o: mrr(valid.ranks(rocchio(valid, *o))))
    bm25 = {name: Bm25(t["passages"]) for name, t in texts.items()} if texts else {}
    scores = {name: bm25[name].scores(texts[name]["questions"]) for name in bm25}

    def with_text(name, weight):
        return lambda rows: weight * scores[name][rows]

    for name, test in tests.items():
        tell("raw", name, 0, test.ranks(test.initial))
        if test.queries.shape[1] > 1:
            tell("sum of the question's vectors", name, 0, test.ranks(unit(test.queries.sum(axis=1))))
        tell("Rocchio", name, 0, test.ranks(rocchio(test, *best)), passages=best[0], weight=best[1], calls=best[2])
        if bm25:
            weight = max((0.003, 0.01, 0.02, 0.03, 0.05, 0.1), key=lambda w: mrr(valid.ranks(valid.initial, with_text("valid", w))))
            tell("BM25", name, 0, test.ranks(0 * test.initial, with_text(name, 1.0)))
            tell("BM25 and raw", name, 0, test.ranks(test.initial, with_text(name, weight)), weight=weight)
    count = args.weights
    for seed in range(args.seeds):
        for form in filter(None, args.forms.split(",")):
            model = args.folder / f"{form}-{seed}.safetensors"
            data, flags = file("train"), []
            if form == "plain" and train.path is not None:
                data = file("train-without-path")
                if not data.exists():
                    tensors = load_file(file("train"))
                    del tensors["path"]
                    save_file(tensors, data, {"embedder.norm": "unit"})
            if form in RETRIEVING:
                flags = ["--neighbours", str(args.neighbours)]
            if form.startswith("in-turn"):
                flags.append("--in-turn")
            began = time.monotonic()
            if not model.exists():
                command = [args.program, "train", "--task", "vectors", "--data", data, "--measure-on", file("valid"), "-o", model]
                command += ["--think", args.think, "--seed", str(seed), "--threads", args.threads, "--steps", str(args.steps)]
                subprocess.run([*command, *flags, *args.flags.split()], check=True, stdout=subprocess.DEVNULL)
            seconds = round(time.monotonic() - began)
            said = subprocess.run([args.program, "info", model, "--json"], check=True, capture_output=True, text=True).stdout
            count = json.loads(said)["weights"]
            for name, test in tests.items():
                flags = ["--passages", file(name)] if form in RETRIEVING else []
                for k in [*args.ks.split(","), None]:
                    more = ["--max-steps", k] if k else []
                    vectors, steps, refined = solve(args.program, model, file(name), test, flags + more)
                    label = f"{form}, K = {k}" if k else f"{form}, adaptive"
                    tell(label, name, seed, test.ranks(vectors), weights=count, mean_steps=steps, refined=refined, seconds=seconds)
                    if bm25 and k == args.think:
                        tell(f"BM25 and {form}, K = {k}", name, seed, test.ranks(vectors, with_text(name, weight)))
        for kind in filter(None, args.adapters.split(",")):
            # Each at the better of several settings.
            began, tried = time.monotonic(), []
            for rate in (1e-3, 3e-3):
                for steps in (args.steps, 4 * args.steps):
                    params = adapters.train(kind, train.x, train.initial, train.answers, train.ids, count, steps, seed, lr=rate)
                    found = mrr(valid.ranks(adapters.apply(kind, params, valid.x, valid.initial)))
                    tried.append((found, rate, steps, params))
            found, rate, steps, params = max(tried, key=lambda t: t[0])
            about = {"weights": sum(p.size for p in params), "lr": rate, "steps": steps, "seconds": round(time.monotonic() - began)}
            for name, test in tests.items():
                tell(kind, name, seed, test.ranks(adapters.apply(kind, params, test.x, test.initial)), **about)
        if train.path is not None:
            x, initial, answers, ids = single(train)
            params = adapters.train("mlp", x, initial, answers, ids, count, 4 * args.steps, seed, lr=3e-3)
            for name, test in tests.items():
                for retrieve in (False, True):
                    label = "perceptron, relation by relation" + (", with retrieval between" if retrieve else "")
                    tell(label, name, seed, test.ranks(step_by_step(params, test, retrieve)), weights=sum(p.size for p in params))
    sizes = {name: [len(t.ids), len(t.passages)] for name, t in tests.items()}
    json.dump({"pairs": len(train.ids), "tests": sizes, "results": results}, sys.stdout)


if __name__ == "__main__":
    main()
