"""What the server does under load: load.py PROGRAM MODEL [--seconds S] [--minutes M] [--rival STEP.onnx] [--json FILE].

Needs `oha` (cargo install oha) and, for the rival, fastapi, uvicorn, onnxruntime, numpy and onnx (`rival.py`; `benches/browser/export.py`
makes the step). Client and server share the machine's cores.

1. In turns, medians of three: answers a second in process (`solve --json` of many questions, two runs of which the difference counts, so
   that starting up does not); over HTTP one by one and in batches of 64; with requests that come at 300 % of the first turn's rate: what is
   answered, refused (429) and anything else, and `/healthz` beside it; the rival's.
2. Requests that come at 70 % of that rate, whether earlier ones are answered or not: latencies. They differ as questions do, so a
   second time with six steps for each, at 70 % of the rate of such. The rival at 70 % of its own.
3. With --minutes: 300 % for so long, and the server's memory each minute.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("program")
parser.add_argument("model")
parser.add_argument("--size", type=int, default=9, help="digits in a row of the Sudokus asked")
parser.add_argument("--count", type=int, default=2000, help="different questions")
parser.add_argument("--seconds", type=int, default=10, help="how long each load lasts")
parser.add_argument("--minutes", type=int, default=0, help="how long the overload with memory lasts")
parser.add_argument("--rival", help="an improvement step of the same model in ONNX, which `rival.py` serves")
parser.add_argument("--json", help="where to write the figures")
asked = parser.parse_args()
threads = os.cpu_count() or 1
folder = pathlib.Path(tempfile.mkdtemp())
figures = {}


def run(*args, text=None):
    return subprocess.run([asked.program, *map(str, args)], input=text, capture_output=True, text=True, check=True).stdout


table = run("generate", "sudoku", "--size", asked.size, "--count", asked.count, "--seed", 5)
questions = [line.split(",")[0] for line in table.splitlines()[1:]]


def tell(name, **found):
    figures[name] = found
    print(name, json.dumps(found), flush=True)


def in_process():
    def took(count):
        text = "\n".join(questions[i % len(questions)] for i in range(count))
        begin = time.perf_counter()
        run("solve", asked.model, "--json", "--threads", threads, text=text)
        return time.perf_counter() - begin

    few, many = len(questions) // 4, len(questions)
    return (many - few) / (took(many) - took(few))


FIXED = {"options": {"stop": "none", "max_steps": 6, "restarts": 0}}


def bodies(batch, more):
    path = folder / f"batch{batch}{len(more)}"
    if not path.exists():
        starts = range(0, len(questions) - batch + 1, batch)
        lines = [{"questions": questions[i : i + batch]} if batch > 1 else {"question": questions[i], **more} for i in starts]
        path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return path


def load(url, connections, batch=1, rate=None, seconds=asked.seconds, more=None):
    """Of a paced load, a latency counts from when the request was due."""
    pace = ["-q", f"{rate:.1f}", "--latency-correction"] if rate else ["-w"]
    command = ["oha", "--no-tui", "--output-format", "json", "-z", f"{seconds}s", "-c", connections, "-t", "60s", "-m", "POST", "-T", "application/json"]
    done = subprocess.run([*map(str, command), *pace, "-Z", bodies(batch, more or {}), f"{url}/v1/solve"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    status = {int(k): v for k, v in found["statusCodeDistribution"].items()}
    took = found["summary"]["total"]
    # What was still under way at the end is not an error.
    errors = {k: v for k, v in found["errorDistribution"].items() if "deadline" not in k}
    latency = found["latencyPercentiles"]
    return {
        "answers": status.get(200, 0) * batch / took,
        "refused": status.get(429, 0) / took,
        "other": sum(n for code, n in status.items() if code not in (200, 429)),
        "errors": errors,
        "p50_ms": latency["p50"] and latency["p50"] * 1e3,
        "p99_ms": latency["p99"] and latency["p99"] * 1e3,
    }


class Health:
    """Asks `/healthz` fifty times a second in a `with`."""

    def __init__(self, url):
        self.url, self.took, self.stop = url, [], threading.Event()
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        while not self.stop.wait(0.02):
            begin = time.perf_counter()
            urllib.request.urlopen(f"{self.url}/healthz", timeout=10).read()
            self.took.append((time.perf_counter() - begin) * 1e3)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def p99(self):
        return statistics.quantiles(self.took, n=100)[98]


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def median(rows, key=None):
    return statistics.median(row[key] if key else row for row in rows)


server = subprocess.Popen([asked.program, "serve", asked.model, "--listen", "127.0.0.1:0", "--log", "off", "--limit", "wait=1", "--threads", str(threads)], stderr=subprocess.PIPE, text=True)
rival = None
try:
    url = re.search(r"http://\S+", server.stderr.readline())[0]
    if asked.rival:
        here = pathlib.Path(__file__).parent
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        rival_url = f"http://127.0.0.1:{port}"
        rival = subprocess.Popen([sys.executable, here / "rival.py", asked.model, asked.rival, str(port)])
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{rival_url}/openapi.json").read()
                break
            except OSError:
                time.sleep(0.1)
    full = 2 * threads + 2
    load(url, full, seconds=3)
    turns = collections.defaultdict(list)
    for _ in range(3):
        turns["in_process"].append(in_process())
        turns["single"].append(load(url, full))
        turns["batch"].append(load(url, threads + 1, 64))
        rate = 3 * turns["single"][0]["answers"]
        with Health(url) as health:
            turns["above"].append(load(url, 512, rate=rate))
        turns["healthz"].append(health.p99())
        if rival:
            turns["rival"].append(load(rival_url, threads + 1))
    inside, single, batch = median(turns["in_process"]), median(turns["single"], "answers"), median(turns["batch"], "answers")
    tell("turns", **turns)
    tell("throughput", in_process=inside, one_by_one=single, batches_of_64=batch, one_by_one_share=single / inside, batches_share=batch / inside)
    tell("one connection", **load(url, 1))
    below = load(url, 64, rate=0.7 * single)
    tell("70 %", **below, p99_in_medians=below["p99_ms"] / below["p50_ms"])
    fixed = load(url, full, more=FIXED)["answers"]
    paced = load(url, 64, rate=0.7 * fixed, more=FIXED)
    tell("70 %, six steps each", peak=fixed, **paced, p99_in_medians=paced["p99_ms"] / paced["p50_ms"])
    if rival:
        peak = median(turns["rival"], "answers")
        tell("rival", answers=peak, ours_in_rivals=single / peak)
        tell("rival at 70 %", **load(rival_url, 64, rate=0.7 * peak))
    above = sorted(turns["above"], key=lambda row: row["answers"])[1]
    tell("300 %", **above, of_peak=above["answers"] / single, healthz_p99_ms=median(turns["healthz"]), resident_mib=resident(server.pid))
    for minute in range(asked.minutes):
        found = load(url, 512, rate=rate, seconds=60)
        tell(f"minute {minute + 1}", **found, resident_mib=resident(server.pid))
finally:
    for process in (server, rival):
        if process:
            process.terminate()
            process.wait()
if asked.json:
    pathlib.Path(asked.json).write_text(json.dumps(figures, indent=2) + "\n")
