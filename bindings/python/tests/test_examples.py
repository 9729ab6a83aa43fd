"""The example with plots runs, and makes what it says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import ROOT


def test_watch_it_think(tmp_path):
    pytest.importorskip("matplotlib")
    script = ROOT / "examples" / "python" / "watch_it_think.py"
    flags = ["--steps", "5", "--questions", "10", "--threads", "1", "--folder", tmp_path / "thinking"]
    done = subprocess.run([sys.executable, script, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.stat().st_size for path in (tmp_path / "thinking").iterdir() if path.is_file()}
    expected = {"training.png", "thinking.svg", "thinking.gif", "certainty.png", "precisions.png", "model.safetensors"}
    assert expected <= made.keys() and all(made[name] > 0 for name in expected)
    assert [line.split(":")[0] for line in done.stdout.splitlines()[-4:]] == ["f32", "bf16", "q8", "q4"]
