"""A model thinking, step by step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from recurra._errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recurra import _native


class Trace:
    """Every improvement step on one question: numbers as arrays, and a picture, which a notebook shows by itself."""

    def __init__(self, native: _native.Trace) -> None:
        self._native = native

    @property
    def question(self) -> str:
        """The question in one line; empty where the model names no task."""
        return self._native.question

    @property
    def answers(self) -> list[str]:
        """The answer after each step, in one line."""
        return self._native.answers

    @property
    def verified(self) -> list[bool | None]:
        """Whether the task's rules held after each step."""
        return self._native.verified

    @property
    def tokens(self) -> NDArray[np.uint16]:
        """The answer after each step, `[steps, places]`."""
        return self._native.tokens

    @property
    def certainty(self) -> NDArray[np.float32]:
        """The probability of each of those tokens, `[steps, places]`."""
        return self._native.certainty

    @property
    def logits(self) -> NDArray[np.float32]:
        """Logits of every token, `[steps, places, vocabulary]`."""
        return self._native.logits

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Their softmax, `[steps, places, vocabulary]`."""
        return self._native.probabilities

    @property
    def halt(self) -> NDArray[np.float32]:
        """Logits of "halt" and "continue", `[steps, 2]`."""
        return self._native.halt

    def svg(self) -> str:
        """The steps side by side, as SVG: what changed, how sure the model was, and the halting logit."""
        return self._native.svg()

    def gif(self) -> bytes:
        """The steps one after the other, as a GIF."""
        return self._native.gif()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture: `.svg` or `.gif`, as the path ends."""
        path = Path(path)
        if path.suffix == ".svg":
            path.write_text(self.svg(), encoding="utf-8")
        elif path.suffix == ".gif":
            path.write_bytes(self.gif())
        else:
            raise UsageError(f"path: expected one that ends in .svg or .gif, found {path}")

    def _repr_svg_(self) -> str:
        return self.svg()

    def __len__(self) -> int:
        """The number of steps."""
        return len(self.answers)

    def __repr__(self) -> str:
        return f"<recurra.Trace: {len(self)} steps, verified {self.verified[-1] if len(self) else None}>"
