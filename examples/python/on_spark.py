"""Answers the puzzles of a folder of Parquet files with Spark, and goes on where it stopped if it is run again.

    pip install recurra[spark]
    python examples/python/on_spark.py models/sudoku9.safetensors puzzles/ answers/

The files need a column `id` of unique ids and a column `question`. On a cluster, start it with `spark-submit`.
"""

import sys

from pyspark.sql import SparkSession

import recurra.spark

if len(sys.argv) != 4:
    raise SystemExit(__doc__)
model, puzzles, output = sys.argv[1:]
spark = SparkSession.builder.appName("recurra").getOrCreate()
answers = recurra.spark.solve(spark.read.parquet(puzzles), model, id_column="id", output=output, restarts=8)
print(f"{answers.count()} answers, {answers.where('verified').count()} verified")
spark.stop()
