"""Answers to tables, for engines that work on many machines: what is asked, what comes back, and an output that knows what it has.

An output is a folder of Parquet files. A file holds the answers to one batch, is named by the batch's ids, and appears whole or not at
all; so a batch that is done again, because its worker died, replaces its own file. Whoever begins reads the ids that are there and
leaves them out.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as fs
import pyarrow.parquet as pq

from recurra._errors import DataError
from recurra._model import Model

if TYPE_CHECKING:
    from recurra._results import Results

ANSWERS = pa.schema(
    [
        ("answer", pa.string()),
        ("verified", pa.bool_()),
        ("steps", pa.int32()),
        ("restarts", pa.int32()),
        ("stopped", pa.string()),
        ("halt", pa.float32()),
        ("seconds", pa.float64()),
        ("error", pa.string()),
    ]
)
"""The columns that answering adds to a table."""

_models: dict[tuple[str, int], Model] = {}
_lock = threading.Lock()


def model_here(path: str, threads: int) -> Model:
    """The model of a file, opened once in each process."""
    with _lock:
        key = (path, threads)
        # A process that was forked finds models that are of no use to it.
        if key in _models and _models[key]._native.is_here():
            return _models[key]
        _models[key] = Model.from_pretrained(path, threads=threads)
        return _models[key]


def path_of(model: Model | str | os.PathLike[str]) -> str:
    """The path by which workers open a model."""
    if isinstance(model, Model):
        if model._native.path is None:
            raise DataError("model: expected one with a file that workers can open; save it first (save_pretrained)")
        return str(model._native.path.absolute())
    return os.fspath(model)


def check_columns(names: Iterable[str], question_column: str, id_column: str | None) -> None:
    """Refuses a table that lacks a column, or has one of the answers'."""
    names = list(names)
    for column, what in ((question_column, "question_column"), (id_column, "id_column")):
        if column is not None and column not in names:
            raise DataError(f"{what}: expected one of {', '.join(names)}; found {column}")
    for column in ANSWERS.names:
        if column in names:
            raise DataError(f"column {column}: expected none of that name, which the answers take; found one")


def answers_of(results: Results) -> pa.Table:
    """The columns that `ANSWERS` names."""
    return results.to_arrow().select(ANSWERS.names).cast(ANSWERS)


def answer(model: Model, table: pa.Table, question_column: str, options: dict[str, Any]) -> pa.Table:
    """The table with the answers' columns; its rows and its columns stay as they are. Questions that are null are refused."""
    check_columns(table.column_names, question_column, None)
    questions = ["" if text is None else text for text in table[question_column].to_pylist()]
    answers = answers_of(model.solve(questions, **options))
    for field in ANSWERS:
        table = table.append_column(field, answers[field.name])
    return table


class Output:
    """A folder of answers."""

    def __init__(self, uri: str, id_column: str) -> None:
        self.uri = uri if "://" in uri else os.path.abspath(uri)
        self.id_column = id_column
        self._files, self.path = fs.FileSystem.from_uri(self.uri) if "://" in uri else (fs.LocalFileSystem(), self.uri)
        self._files.create_dir(self.path, recursive=True)
        self._known: set[Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Output, (self.uri, self.id_column)

    def files(self) -> list[str]:
        """Its files."""
        found = self._files.get_file_info(fs.FileSelector(self.path))
        return sorted(info.path for info in found if info.path.endswith(".parquet"))

    def ids(self) -> pa.ChunkedArray:
        """The ids that have an answer."""
        columns = []
        for file in self.files():
            schema = pq.read_schema(file, filesystem=self._files)
            if self.id_column not in schema.names:
                raise DataError(f"{file}: expected a column {self.id_column}, found {', '.join(schema.names)}")
            columns += pq.read_table(file, columns=[self.id_column], filesystem=self._files)[0].chunks
        return pa.chunked_array(columns) if columns else pa.chunked_array([], pa.string())

    def without_answers(self, table: pa.Table) -> pa.Table:
        """The rows that had no answer when this process first asked."""
        ids = table[self.id_column]
        if ids.null_count:
            raise DataError(f"{self.id_column}: expected an id in every row, found {ids.null_count} nulls")
        if self._known is None:
            self._known = set(self.ids().to_pylist())
        if not self._known:
            return table
        return table.filter(pa.array([row not in self._known for row in ids.to_pylist()], pa.bool_()))

    def write(self, table: pa.Table) -> None:
        """Writes the answers to one batch: the same ids, the same file."""
        if not table.num_rows:
            return
        name = hashlib.blake2b(digest_size=16)
        for row in table[self.id_column].to_pylist():
            name.update(repr(row).encode() + b"\n")
        path = f"{self.path}/answers-{name.hexdigest()}.parquet"
        if isinstance(self._files, fs.LocalFileSystem):
            temporary = f"{path}.{os.getpid()}.tmp"
            pq.write_table(table, temporary)
            os.replace(temporary, path)
        else:
            # There, what is written appears when it is complete.
            pq.write_table(table, path, filesystem=self._files)

    def check(self) -> int:
        """How many answers there are. Raises `DataError` where an id has several."""
        ids = self.ids()
        count, different = len(ids), pc.count_distinct(ids).as_py() if len(ids) else 0
        if count != different:
            raise DataError(f"{self.uri}: expected one answer for each {self.id_column}, found {count} for {different}; ids must be unique")
        return count
