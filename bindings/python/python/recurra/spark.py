"""Many questions on many machines, with Spark: `pip install recurra[spark]`.

    answers = recurra.spark.solve(spark.read.parquet("puzzles/"), "sudoku9.safetensors", restarts=8)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from recurra import _sink
from recurra._errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from recurra._model import Model

_TYPES = "answer string, verified boolean, steps int, restarts int, stopped string, halt float, seconds double, error string"


def solve(
    frame: DataFrame,
    model: Model | str | os.PathLike[str],
    *,
    question_column: str = "question",
    id_column: str | None = None,
    output: str | os.PathLike[str] | None = None,
    **options: Any,
) -> DataFrame:
    """Answers the questions of a data frame: its rows as they are, with the columns answer, verified, steps, restarts, stopped, halt,
    seconds and error.

    `model` is a path that every executor can open (or a name on the hub), or a model that has one; each Python worker opens it once and
    thinks with `spark.task.cpus` threads. `options` are those of `Model.solve`.

    Without `output` nothing happens before the result is used. With `output`, a folder that all machines see, the questions are answered
    now and each batch is written as it is done; the result reads that folder. `id_column` must then name a column of unique ids:
    called again after a crash, `solve` answers what has no answer there yet, and every id has exactly one.
    """
    from pyspark.sql.types import LongType, StructField, StructType, _parse_datatype_string

    path = _sink.path_of(model)
    _sink.check_columns(frame.columns, question_column, id_column)
    if output is not None and id_column is None:
        raise UsageError("id_column: expected the column of ids, by which an output is resumed; found none")
    session = frame.sparkSession
    threads = int(session.conf.get("spark.task.cpus", "1") or 1)
    sink = None if output is None or id_column is None else _sink.Output(os.fspath(output), id_column)
    work = _worker(path, threads, question_column, options, sink)
    if sink is None:
        added = _parse_datatype_string(_TYPES)
        return frame.mapInArrow(work, StructType([*frame.schema.fields, *added.fields]))
    counts = frame.mapInArrow(work, StructType([StructField("answered", LongType())]))
    counts.agg({"answered": "sum"}).collect()
    sink.check()
    return session.read.parquet(sink.uri)


def _worker(
    path: str, threads: int, question_column: str, options: dict[str, Any], sink: _sink.Output | None
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from recurra import _sink

        model = _sink.model_here(path, threads)
        for batch in batches:
            table = pa.Table.from_batches([batch])
            if sink is not None:
                table = sink.without_answers(table)
            answers = _sink.answer(model, table, question_column, options)
            if sink is not None:
                sink.write(answers)
                answers = pa.table({"answered": pa.array([answers.num_rows], pa.int64())})
            yield from answers.combine_chunks().to_batches()

    return work
