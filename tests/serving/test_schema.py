"""The description and what is done agree."""

import os
import pathlib
import subprocess
import sys

from conftest import MODELS, Server

# Cases of each kind for each route: the whole takes about a minute.
EXAMPLES = os.environ.get("SCHEMA_EXAMPLES", "12")


def test_every_route_does_what_is_described(adapter):
    st = pathlib.Path(sys.executable).parent / "st"
    with Server(MODELS / "sudoku4.safetensors", adapter) as server:
        # That a text is a question no schema can say: refusing one that is none is right.
        command = [st, "run", f"{server.url}/openapi.json", "--max-examples", EXAMPLES, "--seed", "1", "--generation-deterministic", "--exclude-checks", "positive_data_acceptance", "--request-timeout", "20"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
