"""Models from a hub: a server of this machine that answers as the hub does."""

from __future__ import annotations

import hashlib
import http.server
import os
import subprocess
import sys
import threading

import pytest
from conftest import PUZZLE, SOLUTION, SUDOKU4

import recurra

COMMITS = {"main": "a" * 40, "v2": "b" * 40}


class Hub(http.server.BaseHTTPRequestHandler):
    """`/{owner}/{name}/resolve/{revision}/{file}` of one repository."""

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, with_body: bool):
        _, *words = self.path.split("?")[0].split("/")
        revision = words[3] if len(words) == 5 else ""
        known = words[:3] == ["tiny", "sudoku", "resolve"] and words[4:] == ["model.safetensors"]
        if not known or revision not in {*COMMITS, *COMMITS.values()}:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound" if words[:2] != ["tiny", "sudoku"] else "RevisionNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = SUDOKU4.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMITS.get(revision, revision))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


ASK = """
import sys, recurra
name, revision, puzzle = sys.argv[1:]
print(recurra.Model.from_pretrained(name, revision or None).ask(puzzle).answer)
"""


@pytest.mark.parametrize("name", ["tiny/sudoku", "tiny/sudoku/model.safetensors"])
@pytest.mark.parametrize("revision", ["", "v2"])
def test_from_the_hub(endpoint, tmp_path, name, revision):
    pytest.importorskip("huggingface_hub")
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment.pop("HF_HUB_OFFLINE", None)
    told = subprocess.run([sys.executable, "-c", ASK, name, revision, PUZZLE], env=environment, capture_output=True, text=True)
    assert told.stdout.strip() == SOLUTION, told.stderr
    absent = subprocess.run([sys.executable, "-c", ASK, "tiny/absent", "", PUZZLE], env=environment, capture_output=True, text=True)
    assert absent.returncode == 1 and "RepositoryNotFoundError" in absent.stderr


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FileNotFoundError, match=r"tiny/sudoku: no such file; .*recurra\[hub\]"):
        recurra.Model.from_pretrained("tiny/sudoku")
