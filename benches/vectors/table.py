"""Tables of what `compare.py` found: python table.py DIR/results.json"""

import json
import sys

import numpy as np


def interval(ranks):
    """Mean of recall@1 and its 95 % interval: 1,000 bootstrap samples of questions, all seeds of a question together."""
    first = (ranks == 1).mean(axis=0)
    rng = np.random.default_rng(0)
    means = [first[rng.integers(0, len(first), len(first))].mean() for _ in range(1000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{100 * first.mean():.1f} ({100 * low:.1f}–{100 * high:.1f})"


def main():
    told = json.loads(open(sys.argv[1]).read())
    for test, (questions, passages) in told["tests"].items():
        rows = [r for r in told["results"] if r["test"] == test]
        names = list(dict.fromkeys(r["name"] for r in rows))
        groups = np.array(rows[0]["groups"])
        kinds = sorted(set(groups.tolist()))
        print(f"\n{test}: {questions} questions, {passages} passages, {told['pairs']} pairs to train on\n")
        several = len(kinds) > 1
        heads = ["", "weights", *([f"{k} relation{'s' * (k > 1)}" for k in kinds] if several else ["recall@1"]), "recall@10", "MRR", "steps", "refined"]
        print("| " + " | ".join(heads) + " |\n| " + " | ".join(["---"] * len(heads)) + " |")
        for name in names:
            own = [r for r in rows if r["name"] == name]
            ranks = np.array([r["ranks"] for r in own])
            cells = [name, f"{own[0]['weights']:,}" if "weights" in own[0] else ""]
            cells += [interval(ranks[:, groups == k]) for k in kinds] if several else [interval(ranks)]
            cells += [f"{100 * (ranks <= 10).mean():.1f}", f"{(1 / ranks).mean():.3f}"]
            for field, scale, digits in (("mean_steps", 1, 2), ("refined", 100, 0)):
                found = [scale * r[field] for r in own if field in r]
                cells.append(f"{np.mean(found):.{digits}f}" if found else "")
            print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
