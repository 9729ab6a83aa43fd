"""Writes the data sets in this folder anew: `python make.py FOLDER`."""

import json
import os
import sys

import numpy as np

# recurra generate sudoku --size 4 --count 5 --seed 11
PUZZLES = [
    (".14..3....3....2", "2143432112343412"),
    (".....134.4.1....", "4312213434211243"),
    ("...3..2.3..1....", "2413132432414132"),
    ("1.3..2......2..1", "1432321441232341"),
    (".2.4....3....4..", "1234432131422413"),
]


def save(folder, groups, names, tokens, labels, vocab, ignore, total_puzzles):
    """A group is a list of puzzles, a puzzle an identifier and examples, an example a question and an answer."""
    puzzles = [puzzle for group in groups for puzzle in group]
    examples = [example for _, examples in puzzles for example in examples]
    arrays = {
        "inputs": np.array([question for question, _ in examples], dtype=tokens),
        "labels": np.array([answer for _, answer in examples], dtype=labels),
        "puzzle_identifiers": np.array([identifier for identifier, _ in puzzles], dtype=np.int32),
        "puzzle_indices": np.cumsum([0] + [len(examples) for _, examples in puzzles], dtype=np.int32),
        "group_indices": np.cumsum([0] + [len(group) for group in groups], dtype=np.int32),
    }
    os.makedirs(folder, exist_ok=True)
    for name, array in arrays.items():
        np.save(os.path.join(folder, f"all__{name}.npy"), array)
    metadata = {
        "pad_id": 0,
        "ignore_label_id": ignore,
        "blank_identifier_id": 0,
        "vocab_size": vocab,
        "seq_len": len(examples[0][0]),
        "num_puzzle_identifiers": len(names),
        "total_groups": len(groups),
        "mean_puzzle_examples": len(examples) / len(puzzles),
        "total_puzzles": total_puzzles,
        "sets": ["all"],
    }
    with open(os.path.join(folder, "dataset.json"), "w") as file:
        json.dump(metadata, file)
    with open(os.path.join(folder, "..", "identifiers.json"), "w") as file:
        json.dump(names, file)


def sudoku4(root):
    tokens = lambda text: np.array([0 if cell == "." else int(cell) for cell in text]) + 1
    puzzles = [(tokens(question), tokens(answer)) for question, answer in PUZZLES]
    renamed = lambda cells: np.array([0, 3, 1, 4, 2])[cells - 1] + 1
    train = [[(0, [(q, a)]), (0, [(renamed(q), renamed(a))])] for q, a in puzzles[:3]]
    test = [[(0, [puzzle])] for puzzle in puzzles[3:]]
    for part, groups in (("train", train), ("test", test)):
        save(os.path.join(root, part), groups, ["<blank>"], np.uint8, np.uint8, 6, 0, len(groups))


def grids(root):
    rng = np.random.default_rng(1)

    def examples(count):
        questions = [rng.integers(0, 12, 9) for _ in range(count)]
        return [(q, np.where(q == 0, -100, (q + 1) % 12)) for q in questions]

    names = ["<blank>", "turn", "turn|||t1", "größe"]
    train = [[(1, examples(2)), (2, examples(3))], [(3, examples(2))]]
    test = [[(1, examples(1)), (2, examples(1))], [(3, examples(1))]]
    for part, groups in (("train", train), ("test", test)):
        save(os.path.join(root, part), groups, names, np.int64, np.int32, 12, None, sum(map(len, groups)))


if __name__ == "__main__":
    sudoku4(os.path.join(sys.argv[1], "sudoku4"))
    grids(os.path.join(sys.argv[1], "grids"))
