"""The program, as the wheel brings it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PUZZLE, SOLUTION, SUDOKU4

SCRIPT = Path(sys.executable).with_name("recurra")
WAYS = [[sys.executable, "-m", "recurra"], [str(SCRIPT)]]


@pytest.mark.parametrize("way", WAYS)
def test_it_runs(way):
    if not shutil.which(way[0]):
        pytest.skip("not installed by a wheel")

    def run(*words, **more):
        return subprocess.run([*way, *words], capture_output=True, text=True, **more)

    assert "Usage: recurra" in run("--help").stdout
    solved = run("solve", SUDOKU4, "--json", input=PUZZLE + "\n")
    assert solved.returncode == 0 and SOLUTION in solved.stdout and not solved.stderr
    refused = run("solve", SUDOKU4, "--json", input="12\n")
    assert refused.returncode == 1 and "expected" in refused.stdout
    assert run("solve", SUDOKU4, "--stop", "never").returncode == 2
    absent = run("info", "absent.safetensors")
    assert absent.returncode == 1 and absent.stderr.startswith("recurra: absent.safetensors: ")


def test_ctrl_c_saves_a_training(tmp_path):
    model = tmp_path / "model.safetensors"
    words = ["train", "--size", "4", "--steps", "1000000", "--hidden", "32", "--pool", "50", "--threads", "1", "-o", model]
    child = subprocess.Popen([*WAYS[0], *words], stderr=subprocess.PIPE, text=True)
    # It says what it is about to do when it is ready to be interrupted.
    assert "weights" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130 and "`--resume` goes on from here" in err and model.exists()
