"""Servers for the tests: the real program on free ports."""

import contextlib
import hashlib
import json
import os
import pathlib
import queue
import re
import signal
import struct
import subprocess
import threading
import time

import httpx
import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ["RECURRA"]
MODELS = ROOT / "models"

EASY = "1.....3..2.....4"
EASY_ANSWER = "1342243142133124"

# A question that takes about a second, and its options: nothing ends it but the limit of steps.
SLOW = {"stop": "none", "max_steps": 256, "restarts": 0}


def recurra(*args, text=None):
    done = subprocess.run([PROGRAM, *map(str, args)], input=text, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Server:
    """`recurra serve` until the end of a `with`."""

    def __init__(self, *args, env=None, tls=False):
        self.args = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--log", "json", *map(str, args)]
        self.env = {**os.environ, **(env or {})}
        self.logs = []
        self.url = None

    def __enter__(self):
        self.process = subprocess.Popen(self.args, stderr=subprocess.PIPE, text=True, env=self.env)
        found = queue.Queue()

        def read():
            for line in self.process.stderr:
                match = re.search(r"listening at (https?://\S+)", line)
                if match:
                    found.put(match[1])
                else:
                    self.logs.append(line)
            found.put(None)

        threading.Thread(target=read, daemon=True).start()
        self.url = found.get(timeout=120)
        assert self.url, "".join(self.logs)
        self.port = int(self.url.rsplit(":", 1)[1])
        self.client = httpx.Client(base_url=self.url, timeout=120, trust_env=False, verify=False)
        return self

    def __exit__(self, *_):
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(timeout=60) == 0, "".join(self.logs[-20:])
        finally:
            self.process.kill()

    def solve(self, question, model=None, headers=None, timeout=None, **options):
        body = {"question": question, "options": options}
        if model:
            body["model"] = model
        if timeout:
            body["timeout"] = timeout
        return self.client.post("/v1/solve", json=body, headers=headers)

    def metric(self, name, headers=None):
        text = self.client.get("/metrics", headers=headers).text
        found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M)
        return float(found[1]) if found else 0.0

    def until(self, true, seconds=60):
        """Waits for what will be so."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "it did not come to be"
            time.sleep(0.01)

    def access(self):
        rows = []
        for line in list(self.logs):
            with contextlib.suppress(json.JSONDecodeError):
                row = json.loads(line)
                if row.get("target") == "recurra::access":
                    rows.append(row)
        return rows


# Numbers of a vector.
D = 16


def unit(vectors):
    return vectors / numpy.linalg.norm(vectors, axis=-1, keepdims=True)


def embed(text):
    """A vector of length 1 for a text."""
    if isinstance(text, list):
        text = f"tokens {text}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    return unit(numpy.random.default_rng(seed).standard_normal(D)).astype(numpy.float32)


def save(path, tensors):
    """A safetensors file."""
    header, data = {"__metadata__": {"embedder.name": "toy-embedder", "embedder.norm": "unit"}}, b""
    for name, array in tensors.items():
        raw = numpy.ascontiguousarray(array, numpy.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def commands(path):
    """The curl commands of a page, in its blocks of shell."""
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / path).read_text(), re.S):
        for command in re.sub(r"\\\n\s*", "", block).splitlines():
            if command.startswith("curl "):
                yield command


def curl(command, server):
    """What such a command prints, asked of a server."""
    command = command.replace("localhost:8080", f"127.0.0.1:{server.port}").replace("curl ", "curl --fail-with-body --max-time 60 -sS ", 1)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="session")
def adapter(tmp_path_factory):
    """A model that has learnt to turn a vector's places by five."""
    folder = tmp_path_factory.mktemp("vectors")
    queries = unit(numpy.random.default_rng(1).standard_normal((400, D)))
    save(folder / "pairs.safetensors", {"queries": queries, "answers": numpy.roll(queries, 5, axis=1)})
    model = folder / "adapter.safetensors"
    recurra("train", "--task", "vectors", "--data", folder / "pairs.safetensors", "-o", model, "--steps", "200", "--hidden", "48", "--think", "2", "--batch", "32", "--lr", "0.004", "--temperature", "0.2", "--threads", "1")
    return model


@pytest.fixture(scope="session")
def maze():
    """A maze of 30x30: a step of it takes milliseconds."""
    table = recurra("generate", "maze", "--size", 30, "--min-path", 20, "--count", 1, "--seed", 1)
    return table.splitlines()[1].split(",")[0].strip('"')


@pytest.fixture(scope="session")
def server():
    models = [MODELS / f"{name}.safetensors" for name in ("sudoku4", "sudoku", "maze15", "maze30")]
    with Server(*models, "--mcp", "--threads", 2) as running:
        yield running
