"""What tests share: this repository's models and golden outputs."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import recurra

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "models"
REFERENCE = ROOT / "tests" / "data" / "reference"
SUDOKU4 = MODELS / "sudoku4.safetensors"
PUZZLE = "1.....3..2.....4"
SOLUTION = "1342243142133124"

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # As in a shell's background job. What tests start would ignore it, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model() -> recurra.Model:
    return recurra.Model.from_pretrained(SUDOKU4, threads=2)


@pytest.fixture(scope="session")
def puzzles() -> list[recurra.tasks.Puzzle]:
    return recurra.tasks.sudoku.generate(300, 4, seed=11)
