"""What has to be there before anything is measured: the rivals, Recurra, the model and its graphs."""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / "target" / "rivals"
PRECISIONS = ["bf16", "q8", "q4"]
"""What `recurra quantize --to` may know, beside f32."""


class Problem(Exception):
    """Nothing can be measured; says why."""


@dataclass
class Setup:
    """Where everything is."""

    python: Path
    recurra: Path
    model: Path
    folder: Path
    """Graphs, states and logs of this model."""
    files: dict[str, Path]
    """The model in every precision that Recurra can make."""
    cosines: dict[str, dict[str, float]]
    """Of Recurra's other precisions against f32: precision, then batch."""
    peaks: dict[str, Any]
    """`recurra bench --json`."""

    @staticmethod
    def make(args: argparse.Namespace) -> "Setup":
        python = environment()
        recurra = args.recurra.resolve() if args.recurra else build()
        model = args.model.resolve() if args.model else random_model(python, "tiny" if args.quick else "sudoku")
        if not model.is_file():
            raise Problem(f"{model}: no such file")
        digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
        folder = TARGET / f"model-{digest}"
        folder.mkdir(exist_ok=True)
        files = {"f32": model} | quantised(recurra, model, folder)
        command: list[str | Path] = [python, HERE / "graphs.py", model, folder, "--recurra", recurra, "--batches"]
        command += [str(batch) for batch in args.batches]
        if len(files) > 1:
            command += ["--others", *(file for name, file in files.items() if name != "f32")]
        say("exporting the model and checking it against Recurra")
        run(command, "the model could not be exported")
        cosines = json.loads((folder / "cosines.json").read_text())
        command = [recurra, "bench", model, "--json", "--batch", "1", "--threads", str(max(args.threads))]
        seconds = "0" if args.quick else "3"
        peaks = json.loads(run([*command, "--seconds", seconds], "the peaks could not be measured"))
        return Setup(python, recurra, model, folder, files, cosines, peaks)


def environment() -> Path:
    """Python with the rivals installed, in a virtual environment that is made if it is not there."""
    wanted = (HERE / "requirements.txt").read_text()
    folder = TARGET / "venv"
    python, mark = folder / "bin" / "python", folder / "installed"
    if mark.exists() and mark.read_text() == wanted:
        return python
    say("installing the rivals (several GB, once)")
    if folder.exists():
        shutil.rmtree(folder)
    TARGET.mkdir(parents=True, exist_ok=True)
    venv.create(folder, with_pip=True)
    problem = "the rivals could not be installed (is the Python package index reachable?)"
    run([python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], problem)
    mark.write_text(wanted)
    return python


def build() -> Path:
    """The program of this checkout."""
    say("building Recurra")
    run(["cargo", "build", "--release", "--quiet", "-p", "recurra-cli"], "Recurra could not be built")
    return ROOT / "target" / "release" / "recurra"


def random_model(python: Path, name: str) -> Path:
    file = TARGET / f"random-{name}.safetensors"
    if not file.exists():
        run([python, HERE / "random_model.py", name, file], "the random model could not be written")
    return file


def quantised(recurra: Path, model: Path, folder: Path) -> dict[str, Path]:
    """The model in the other precisions, if this Recurra can make them."""
    if subprocess.run([recurra, "quantize", "--help"], capture_output=True).returncode != 0:
        say("this Recurra has no `quantize`: measuring it in f32 only")
        return {}
    files = {}
    for name in PRECISIONS:
        file = folder / f"{name}.safetensors"
        run([recurra, "quantize", model, "--to", name, "-o", file], f"the model could not be made {name}")
        files[name] = file
    return files


def run(command: list[Any], problem: str) -> str:
    """Standard output of a program that must succeed."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except OSError as error:
        raise Problem(f"{problem}: {command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise Problem(f"{problem}: {lines[-1]}")
    return done.stdout


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
