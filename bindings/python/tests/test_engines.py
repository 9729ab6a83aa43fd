"""Many questions on Ray and on Spark, with real local clusters."""

from __future__ import annotations

import os
import sys

import pytest
from conftest import SUDOKU4

import recurra

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

COUNT = 3000


@pytest.fixture(scope="module")
def table():
    puzzles = recurra.tasks.sudoku.generate(COUNT, 4, seed=21)
    return pa.table(
        {"id": range(COUNT), "question": [p.question for p in puzzles], "expected": [p.answer for p in puzzles]}
    )


def check(answers, table):
    rows = answers.sort_by("id")
    assert rows["id"].to_pylist() == table["id"].to_pylist()
    assert rows["answer"].to_pylist() == rows["expected"].to_pylist() == table["expected"].to_pylist()
    assert all(rows["verified"].to_pylist())


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    # Workers are this interpreter, with what is installed beside it.
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, configure_logging=False)
    yield ray
    ray.shutdown()


def test_ray(ray, table, tmp_path):
    import recurra.ray

    dataset = ray.data.from_arrow(table)
    answers = recurra.ray.solve(dataset, SUDOKU4, id_column="id", workers=2, batch_size=100, restarts=4)
    answers = answers.materialize()
    check(pa.concat_tables(answers.iter_batches(batch_format="pyarrow", batch_size=None)), table)
    # However few blocks there were: with one, one worker would do everything.
    assert answers.num_blocks() == COUNT // 100
    with pytest.raises(recurra.DataError, match="question_column: expected one of id, question, expected; found puzzle"):
        recurra.ray.solve(dataset, SUDOKU4, question_column="puzzle")
    with pytest.raises(recurra.UsageError, match="id_column: expected the column of ids"):
        recurra.ray.solve(dataset, SUDOKU4, output=tmp_path)


def test_ray_goes_on_where_a_killed_driver_stopped(ray, table, tmp_path):
    import recurra._sink
    import recurra.ray

    source, output = tmp_path / "puzzles.parquet", tmp_path / "answers"
    pq.write_table(table, source)
    # What a killed driver leaves: some batches done, one file half written.
    sink = recurra._sink.Output(str(output), "id")
    model = recurra.Model.from_pretrained(SUDOKU4, threads=1)
    for start in (0, 700, 1400):
        part = table.slice(start, 300)
        sink.write(recurra._sink.answer(model, part, "question", {"restarts": 4}))
    (output / "answers-half.parquet.1.tmp").write_bytes(b"PAR1")
    times = {path: path.stat().st_mtime_ns for path in output.glob("*.parquet")}
    answers = recurra.ray.solve(
        ray.data.read_parquet(str(source)), SUDOKU4, id_column="id", output=output, workers=2, batch_size=100, restarts=4
    )
    check(pa.concat_tables(answers.iter_batches(batch_format="pyarrow", batch_size=None)), table)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert sink.check() == COUNT


def test_ids_must_be_unique(table, tmp_path):
    import recurra._sink

    sink = recurra._sink.Output(str(tmp_path), "id")
    sink.write(table.slice(0, 10))
    sink.write(table.slice(5, 10))
    with pytest.raises(recurra.DataError, match="expected one answer for each id, found 20 for 15"):
        sink.check()


def test_spark(table, tmp_path):
    pytest.importorskip("pyspark")
    from pyspark.sql import SparkSession

    import recurra.spark

    os.environ["PYSPARK_PYTHON"] = sys.executable
    source = tmp_path / "puzzles.parquet"
    pq.write_table(table, source)
    spark = (
        SparkSession.builder.master("local[2]").appName("recurra").config("spark.ui.enabled", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "200").getOrCreate()
    )
    try:
        frame = spark.read.parquet(str(source)).repartition(4)
        check(pa.Table.from_pandas(recurra.spark.solve(frame, SUDOKU4, restarts=4).toPandas()), table)
        output = tmp_path / "answers"
        written = recurra.spark.solve(frame.where("id < 1000"), SUDOKU4, id_column="id", output=output, restarts=4)
        assert written.count() == 1000
        written = recurra.spark.solve(frame, SUDOKU4, id_column="id", output=output, restarts=4)
        check(pa.Table.from_pandas(written.toPandas()), table)
    finally:
        spark.stop()
