"""Writes the model of random weights that is measured where no other is named."""

import sys
from pathlib import Path

import model

if __name__ == "__main__":
    name, file = sys.argv[1:]
    model.save_random({"sudoku": model.SUDOKU, "tiny": model.TINY}[name], Path(file))
