"""Answers the puzzles of a folder of Parquet files with Ray Data, and goes on where it stopped if it is run again.

    pip install recurra[ray]
    python examples/python/on_ray.py models/sudoku9.safetensors puzzles/ answers/

The files need a column `id` of unique ids and a column `question`. On a cluster, RAY_ADDRESS says where it is.
"""

import sys

import ray

import recurra.ray

if len(sys.argv) != 4:
    raise SystemExit(__doc__)
model, puzzles, output = sys.argv[1:]
ray.init()
answers = recurra.ray.solve(ray.data.read_parquet(puzzles), model, id_column="id", output=output, restarts=8)
print(f"{answers.count()} answers, {int(answers.sum('verified'))} verified")
