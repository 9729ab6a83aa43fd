"""Answers, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from recurra._errors import QuestionError

if TYPE_CHECKING:
    import pandas
    import pyarrow
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Answer:
    """One answer, and how it was found."""

    question: str | None
    """The question, in one line; None where it was refused."""
    answer: str | None
    """The answer, in one line; None where the question was refused."""
    verified: bool | None
    """Whether the task's own rules hold; None: it has none, or the question was refused."""
    steps: int
    """Improvement steps, over all attempts."""
    restarts: int
    """Attempts begun after the first."""
    stopped: str | None
    """Why it stopped: verified, halt, stable, plateau, residual, max_steps, time, contradiction."""
    halt: float
    """Halting logit at the end: above 0, the model believes its answer."""
    seconds: float
    """Seconds from taking up the question."""
    source: str | None
    """`model` where it was thought about."""
    error: str | None
    """Why the question was refused; None where it was not."""

    def __str__(self) -> str:
        return self.answer if self.answer is not None else f"refused: {self.error}"


class Results(Sequence[Answer]):
    """The answers to some questions, in their order: a sequence of `Answer`, and a column for each field.

    A question that was refused has its place, too: `errors` says why, and its answer is None. `raise_for_errors()` raises instead.
    """

    def __init__(self, columns: dict[str, Any]) -> None:
        self._columns = columns
        self._refused: dict[int, str] = dict(columns["errors"])

    @property
    def tokens(self) -> NDArray[np.uint16]:
        """The answers' tokens, `[questions, places]`; 0 where a question was refused."""
        return self._columns["tokens"]

    @property
    def steps(self) -> NDArray[np.uint32]:
        """Improvement steps of each, over all attempts."""
        return self._columns["steps"]

    @property
    def restarts(self) -> NDArray[np.uint32]:
        """Attempts begun after the first."""
        return self._columns["restarts"]

    @property
    def halt(self) -> NDArray[np.float32]:
        """Halting logits."""
        return self._columns["halt"]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Seconds that each took."""
        return self._columns["seconds"]

    @property
    def verified(self) -> NDArray[np.bool_]:
        """Whether the rules hold. False too where the task has none or the question was refused: `Answer.verified` tells them apart."""
        return self._columns["verified"] == 1

    @property
    def questions(self) -> list[str | None]:
        """The questions, in one line each."""
        return self._texts("question")

    @property
    def answers(self) -> list[str | None]:
        """The answers, in one line each."""
        return self._texts("answer")

    @property
    def stopped(self) -> list[str | None]:
        """Why each stopped."""
        return self._names("stopped")

    @property
    def source(self) -> list[str | None]:
        """Where each answer comes from."""
        return self._names("source")

    @property
    def errors(self) -> list[str | None]:
        """Why each was refused; None where it was not."""
        return [self._refused.get(i) for i in range(len(self))]

    def raise_for_errors(self) -> Results:
        """Raises `QuestionError` if a question was refused; gives itself otherwise."""
        if self._refused:
            first = min(self._refused)
            more = f" ({len(self._refused)} refused in all)" if len(self._refused) > 1 else ""
            raise QuestionError(f"question {first + 1}: {self._refused[first]}{more}")
        return self

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame, one row a question."""
        import pandas

        verified = self._columns["verified"]
        frame = pandas.DataFrame(
            {
                "question": self.questions,
                "answer": self.answers,
                "verified": pandas.array(verified == 1, dtype="boolean"),
                "steps": self.steps,
                "restarts": self.restarts,
                "stopped": pandas.Categorical.from_codes(self._columns["stopped"], self._columns["stopped_names"]),
                "halt": self.halt,
                "seconds": self.seconds,
                "source": pandas.Categorical.from_codes(self._columns["source"], self._columns["source_names"]),
                "error": pandas.array(self.errors, dtype="string"),
            }
        )
        frame.loc[verified < 0, "verified"] = pandas.NA
        return frame

    def to_arrow(self) -> pyarrow.Table:
        """An Arrow table, one row a question. Texts and numbers are not copied: it holds the memory that the library wrote."""
        import pyarrow as pa

        n = len(self)
        refused = np.fromiter(self._refused, dtype=np.int64, count=len(self._refused))
        validity = None
        if len(refused):
            there = np.ones(n, dtype=bool)
            there[refused] = False
            validity = pa.py_buffer(np.packbits(there, bitorder="little"))

        def text(name: str) -> pa.Array:
            offsets, data = self._columns[name]
            return pa.Array.from_buffers(pa.string(), n, [validity, pa.py_buffer(offsets), pa.py_buffer(data)])

        def number(name: str, kind: pa.DataType) -> pa.Array:
            return pa.Array.from_buffers(kind, n, [None, pa.py_buffer(self._columns[name])])

        def named(name: str) -> pa.Array:
            codes = pa.Array.from_buffers(pa.int8(), n, [validity, pa.py_buffer(self._columns[name])])
            return pa.DictionaryArray.from_arrays(codes, pa.array(self._columns[name + "_names"]))

        verified = self._columns["verified"]
        bits = [pa.py_buffer(np.packbits(bit, bitorder="little")) for bit in (verified >= 0, verified == 1)]
        return pa.table(
            {
                "question": text("question"),
                "answer": text("answer"),
                "verified": pa.Array.from_buffers(pa.bool_(), n, bits),
                "steps": number("steps", pa.uint32()),
                "restarts": number("restarts", pa.uint32()),
                "stopped": named("stopped"),
                "halt": number("halt", pa.float32()),
                "seconds": number("seconds", pa.float64()),
                "source": named("source"),
                "error": pa.array(self.errors, pa.string()),
            }
        )

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The table, for whoever speaks Arrow's C interface: Polars, DuckDB, pandas."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self._columns["steps"])

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> list[Answer]: ...
    def __getitem__(self, index: int | slice) -> Answer | list[Answer]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise IndexError(f"expected an index below {len(self)}, found {index}")
        columns, error = self._columns, self._refused.get(i)
        verified = int(columns["verified"][i])
        return Answer(
            question=None if error else self._text("question", i),
            answer=None if error else self._text("answer", i),
            verified=None if verified < 0 else bool(verified),
            steps=int(columns["steps"][i]),
            restarts=int(columns["restarts"][i]),
            stopped=self._name("stopped", i),
            halt=float(columns["halt"][i]),
            seconds=float(columns["seconds"][i]),
            source=self._name("source", i),
            error=error,
        )

    def __iter__(self) -> Iterator[Answer]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        count, proven = len(self), int(self.verified.sum())
        refused = f", {len(self._refused)} refused" if self._refused else ""
        steps = f", {float(self.steps.mean()):.1f} steps on average" if count else ""
        return f"<recurra.Results: {count} answers, {proven} verified{refused}{steps}>"

    def _text(self, name: str, i: int) -> str:
        offsets, data = self._columns[name]
        return data[offsets[i] : offsets[i + 1]].tobytes().decode()

    def _texts(self, name: str) -> list[str | None]:
        return [None if i in self._refused else self._text(name, i) for i in range(len(self))]

    def _name(self, name: str, i: int) -> str | None:
        code = int(self._columns[name][i])
        return None if code < 0 else self._columns[name + "_names"][code]

    def _names(self, name: str) -> list[str | None]:
        return [self._name(name, i) for i in range(len(self))]
