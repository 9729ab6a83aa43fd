"""Many questions on many machines, with Ray Data: `pip install recurra[ray]`.

    answers = recurra.ray.solve(ray.data.read_parquet("puzzles/"), "sudoku9.safetensors", id_column="id", output="answers/")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from recurra import _sink
from recurra._errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

    from recurra._model import Model


class _Solver:
    """What a worker holds: the model, opened once."""

    def __init__(
        self, path: str, threads: int, question_column: str, options: dict[str, Any], output: _sink.Output | None
    ) -> None:
        self.model = _sink.model_here(path, threads)
        self.question_column, self.options, self.output = question_column, options, output

    def __call__(self, batch: pa.Table) -> pa.Table:
        if self.output is None:
            return _sink.answer(self.model, batch, self.question_column, self.options)
        import pyarrow as pa

        rest = self.output.without_answers(batch)
        self.output.write(_sink.answer(self.model, rest, self.question_column, self.options))
        return pa.table({"answered": pa.array([rest.num_rows], pa.int64())})


def solve(
    dataset: ray.data.Dataset,
    model: Model | str | os.PathLike[str],
    *,
    question_column: str = "question",
    id_column: str | None = None,
    output: str | os.PathLike[str] | None = None,
    workers: int | tuple[int, int] | None = None,
    num_cpus: int = 1,
    batch_size: int = 256,
    **options: Any,
) -> ray.data.Dataset:
    """Answers the questions of a dataset: its rows as they are, with the columns answer, verified, steps, restarts, stopped, halt,
    seconds and error.

    * `model`: a path that every worker can open (or a name on the hub), or a model that has one. A worker opens it once.
    * `workers`: how many, or the least and the most of them; as many as have room in the cluster beside one CPU where nothing is said: Ray reads
      with CPUs of its own, and workers that hold all of them wait for ever. Each thinks with
      `num_cpus` threads, which Ray reserves for it, and never more. Ray holds reading back while they are busy.
    * `options`: those of `Model.solve`, such as `restarts`.

    Without `output` nothing happens before the result is used: `solve(…).write_parquet(…)`. With `output`, a folder that all machines see
    or a URI, the questions are answered now and each batch is written as it is done; the result reads that folder. `id_column` must
    then name a column of unique ids: called again after a crash, `solve` answers what has no answer there yet, and every id has
    exactly one.
    """
    import ray
    import ray.data

    path = _sink.path_of(model)
    names = dataset.schema(fetch_if_missing=True).names
    _sink.check_columns(names, question_column, id_column)
    if output is not None and id_column is None:
        raise UsageError("id_column: expected the column of ids, by which an output is resumed; found none")
    sink = None if output is None or id_column is None else _sink.Output(os.fspath(output), id_column)
    if workers is None:
        workers = max(1, int((ray.cluster_resources().get("CPU", 1) - 1) // num_cpus))
    # Ray may have read everything as one block, which is one worker's.
    answered = dataset.repartition(target_num_rows_per_block=batch_size).map_batches(
        _Solver,
        fn_constructor_args=(path, num_cpus, question_column, options, sink),
        batch_format="pyarrow",
        batch_size=batch_size,
        num_cpus=num_cpus,
        compute=ray.data.ActorPoolStrategy(size=workers) if isinstance(workers, int) else ray.data.ActorPoolStrategy(min_size=workers[0], max_size=workers[1]),
    )
    if sink is None:
        return answered
    for _ in answered.iter_batches(batch_format="pyarrow"):
        pass
    sink.check()
    # The folder, not its files: Ray looks at many paths in threads, of which one may see a module that another is still importing.
    return ray.data.read_parquet(sink.path, filesystem=sink._files, file_extensions=["parquet"]) if sink.files() else ray.data.from_items([])
