"""How much of the in-process speed is left over HTTP: load.py PROGRAM MODEL [SECONDS]. Needs wrk (Debian: wrk), and httpx for health.

Prints, in turns and as medians of three: answers a second in process (`solve --json` of many questions, two runs of which the difference counts,
so that starting up does not), over HTTP one by one and in batches, then latencies with one connection, with a few more
than threads, and with 2,000, with `/healthz` beside. It has no paced load: wrk sends as fast as it is answered.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

program, model = sys.argv[1:3]
seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 10
size = int(sys.argv[4]) if len(sys.argv) > 4 else 9
threads = os.cpu_count() or 1
folder = pathlib.Path(tempfile.mkdtemp())


def run(*args, text=None):
    return subprocess.run([program, *map(str, args)], input=text, capture_output=True, text=True, check=True).stdout


table = run("generate", "sudoku", "--size", size, "--count", 2000, "--seed", 5)
questions = [line.split(",")[0] for line in table.splitlines()[1:]]


def in_process():
    def took(count):
        text = "\n".join(questions[i % len(questions)] for i in range(count))
        begin = time.perf_counter()
        run("solve", model, "--json", "--threads", threads, text=text)
        return time.perf_counter() - begin

    few, many = len(questions) // 4, len(questions)
    return (many - few) / (took(many) - took(few))


def script(batch):
    bodies = [json.dumps({"questions": questions[i : i + batch]} if batch > 1 else {"question": questions[i]}) for i in range(0, len(questions) - batch + 1, batch)]
    lines = ["local bodies = {", *(f"  {json.dumps(body)}," for body in bodies), "}", "local i = math.random(#bodies)"]
    lines += ["wrk.method = 'POST'", "wrk.headers['Content-Type'] = 'application/json'", "request = function() i = i % #bodies + 1; return wrk.format(nil, nil, nil, bodies[i]) end"]
    # Status 200 and others apart, and bytes do not count.
    lines += ["local threads = {}", "setup = function(t) table.insert(threads, t) end", "init = function() ok = 0; busy = 0; other = 0 end"]
    lines += ["response = function(s) if s == 200 then ok = ok + 1 elseif s == 429 then busy = busy + 1 else other = other + 1 end end"]
    lines += ["done = function(s, l) local a, b, c = 0, 0, 0; for _, t in ipairs(threads) do a = a + t:get('ok'); b = b + t:get('busy'); c = c + t:get('other') end"]
    lines += ["  print(string.format('RESULT %d %d %d %d %f %f', a, b, c, s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout, l:percentile(50), l:percentile(99))) end"]
    path = folder / f"batch{batch}.lua"
    path.write_text("\n".join(lines))
    return path


def load(url, connections, batch=1):
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", script(batch), f"{url}/v1/solve"], capture_output=True, text=True, check=True)
    ok, busy, other, errors, median, last = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\S+) (\S+)", done.stdout).groups()
    return {"answers": int(ok) * batch / seconds, "busy": int(busy) / seconds, "other": int(other), "errors": int(errors), "p50_ms": float(median) / 1e3, "p99_ms": float(last) / 1e3}


def health(url, stop, into):
    while not stop.is_set():
        begin = time.perf_counter()
        urllib.request.urlopen(f"{url}/healthz", timeout=10).read()
        into.append((time.perf_counter() - begin) * 1e3)
        stop.wait(0.02)


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


server = subprocess.Popen([program, "serve", model, "--listen", "127.0.0.1:0", "--log", "off", "--limit", "wait=0.25", "--threads", str(threads)], stderr=subprocess.PIPE, text=True)
url = re.search(r"http://\S+", server.stderr.readline())[0]
try:
    load(url, 2)
    turns = [(in_process(), load(url, 2 * threads + 2), load(url, threads + 1, 64)) for _ in range(3)]
    inside, single, batch = (statistics.median(turn[0] for turn in turns), *(statistics.median(turn[i]["answers"] for turn in turns) for i in (1, 2)))
    print(f"in process {inside:.0f} answers/s; HTTP one by one {single:.0f} ({single / inside:.0%}), batches of 64 {batch:.0f} ({batch / inside:.0%})")
    for name, connections in (("below full load", 1), ("full load", 2 * threads + 2), ("far above it", 2000)):
        seen, stop = [], threading.Event()
        watcher = threading.Thread(target=health, args=(url, stop, seen))
        watcher.start()
        found = load(url, connections)
        stop.set()
        watcher.join()
        quick = statistics.quantiles(seen, n=100)[98]
        print(f"{name}: {connections} connections: {found}; healthz p99 {quick:.1f} ms; {resident(server.pid)} MiB")
finally:
    server.terminate()
    server.wait()
