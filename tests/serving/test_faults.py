"""What goes wrong, with the real program: bad clients, stops, reloads, full queues."""

import concurrent.futures
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import httpx
import pytest
from conftest import EASY, EASY_ANSWER, MODELS, SLOW, Server

HEAD = b"POST /v1/solve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def status(connection):
    """The status that comes, or None for a connection that ends without one."""
    data = b""
    try:
        while b"\r\n" not in data:
            part = connection.recv(4096)
            if not part:
                return None
            data += part
    except ConnectionResetError:
        return None
    return int(data.split()[1])


def works(server):
    assert server.solve(EASY, model="sudoku4").json()["answer"] == EASY_ANSWER


@pytest.fixture(scope="module")
def hasty():
    """A server that waits for nobody for long."""
    with Server(MODELS / "sudoku4.safetensors", "--limit", "body_timeout=0.3", "--limit", "head_timeout=0.3") as running:
        yield running


def test_a_stalled_body_is_refused_in_time(hasty):
    with connect(hasty) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        assert status(connection) == 408
    works(hasty)


def test_a_slow_body_is_refused_in_time(hasty):
    with connect(hasty) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = None
        try:
            while True:
                connection.sendall(b"1\r\n \r\n")
                connection.settimeout(0.02)
                try:
                    answer = connection.recv(4096)
                    break
                except TimeoutError:
                    continue
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert answer is None or b" 408 " in answer
    works(hasty)


def test_a_head_that_does_not_end_is_not_waited_for(hasty):
    with connect(hasty) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
        assert status(connection) in (408, None)
    works(hasty)


def test_half_a_body_and_then_the_end(hasty):
    with connect(hasty) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        assert status(connection) in (400, None)
    works(hasty)


def test_garbage(hasty):
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00", b"\0" * 100, b"GET\r\n\r\n", b"A" * 200_000, HEAD + b"Content-Length: -1\r\n\r\n"):
        with connect(hasty) as connection:
            try:
                connection.sendall(garbage)
            except (BrokenPipeError, ConnectionResetError):
                continue
            assert status(connection) in (400, 408, 431, None), garbage[:20]
    works(hasty)


def test_an_oversize_body_is_refused_before_it_is_read(server):
    with connect(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 100000000000\r\n\r\n")
        assert status(connection) == 413
    with connect(server) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 64 << 20:
                connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                sent += 65536
        except (BrokenPipeError, ConnectionResetError):
            pass
        # Far less than all was taken.
        assert sent < 32 << 20
    works(server)


def resident(server):
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_bodies_hold_bounded_memory():
    with Server(MODELS / "sudoku4.safetensors", "--limit", "bodies=4194304") as server:
        works(server)
        connections = []
        refused = 0
        for _ in range(16):
            connection = connect(server)
            connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + b" " * 900_000)
            connections.append(connection)
        for connection in connections:
            connection.settimeout(2)
            try:
                refused += status(connection) == 503
            except TimeoutError:
                pass
        assert refused >= 8
        for connection in connections:
            connection.close()
        # What they held is free once the server has seen them close.
        server.until(lambda: server.solve(EASY, model="sudoku4").status_code == 200)
        works(server)


def test_ten_thousand_idle_connections(server):
    works(server)
    before = resident(server)
    connections = [connect(server) for _ in range(10_000)]
    server.until(lambda: server.metric("recurra_connections") >= 10_000)
    works(server)
    assert resident(server) - before < 400 << 20
    for connection in connections:
        # At once, so that no port waits.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    server.until(lambda: server.metric("recurra_connections") < 100)
    works(server)


def ask(server, question, model, **options):
    """A request that is sent and not waited for."""
    body = json.dumps({"model": model, "question": question, "options": options}).encode()
    connection = connect(server)
    connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def test_who_goes_away_frees_its_place(server, maze):
    long = {**SLOW, "restarts": 100, "side_by_side": 1}
    running = ask(server, maze, "maze30", **long)
    server.until(lambda: server.metric("recurra_running") >= 1)
    running.close()
    # It would take minutes.
    server.until(lambda: server.metric("recurra_running") == 0, 20)


def test_a_queued_cancel_touches_no_running_neighbour(maze):
    with Server(MODELS / "sudoku4.safetensors", MODELS / "maze30.safetensors", "--threads", 1) as server:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            neighbour = pool.submit(server.solve, maze, model="maze30", **SLOW)
            # One is thought about, and one is next: its thread has it already.
            server.until(lambda: server.metric("recurra_running") == 1)
            second = ask(server, maze, "maze30", **SLOW)
            server.until(lambda: server.metric("recurra_running") == 2 or neighbour.done())
            queued = [ask(server, maze, "maze30", **SLOW) for _ in range(3)]
            server.until(lambda: server.metric("recurra_queue_questions") == 3 or neighbour.done())
            for connection in queued:
                connection.close()
            server.until(lambda: server.metric("recurra_queue_questions") == 0)
            answer = neighbour.result()
            assert answer.status_code == 200 and answer.json()["steps"] == SLOW["max_steps"]
            assert status(second) == 200
            second.close()


def test_a_full_queue_says_so_at_once(maze):
    with Server(MODELS / "sudoku4.safetensors", MODELS / "maze30.safetensors", "--threads", 1, "--limit", "queue_steps=40") as server:
        long = {**SLOW, "restarts": 10}
        waiting = [ask(server, maze, "maze30", **long) for _ in range(2)]
        server.until(lambda: server.metric("recurra_running") == 2)
        waiting.append(ask(server, maze, "maze30", **long))
        server.until(lambda: server.metric("recurra_queue_questions") >= 1)
        body = {"model": "sudoku4", "questions": [EASY] * 100}
        refused = server.client.post("/v1/solve", json=body)
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
        assert refused.json()["code"] == "busy"
        # Health never waits for those who think.
        assert server.client.get("/healthz", timeout=5).status_code == 200
        for connection in waiting:
            connection.close()
        server.until(lambda: server.metric("recurra_running") == 0)
        works(server)


def test_a_deadline_holds_while_a_question_waits(maze):
    with Server(MODELS / "sudoku4.safetensors", MODELS / "maze30.safetensors", "--threads", 1) as server:
        long = {**SLOW, "restarts": 100}
        waiting = [ask(server, maze, "maze30", **long) for _ in range(2)]
        server.until(lambda: server.metric("recurra_running") == 2)
        assert server.solve(EASY, model="sudoku4", timeout=0.2).status_code == 504
        # One that was begun is told what it has.
        for connection in waiting:
            connection.close()
        server.until(lambda: server.metric("recurra_running") == 0)
        answer = server.solve(maze, model="maze30", timeout=0.5, **long).json()
        assert answer["stopped"] == "time" and answer["steps"] > 0


def test_one_client_does_not_stand_before_another(tmp_path, maze):
    import hashlib

    keys = tmp_path / "keys"
    keys.write_text("".join(f"{name} {hashlib.sha256(name.encode()).hexdigest()}\n" for name in ("anna", "ben")))
    args = [MODELS / "sudoku4.safetensors", MODELS / "maze30.safetensors", "--threads", 1, "--keys", keys, "--limit", "queue_steps=1000000", "--limit", "wait=100000", "--limit", "timeout=600"]
    with Server(*args) as server:
        anna, ben = ({"authorization": f"Bearer {name}"} for name in ("anna", "ben"))
        with concurrent.futures.ThreadPoolExecutor() as pool:
            # A minute of work.
            body = {"model": "maze30", "questions": [maze] * 200, "options": SLOW}
            many = ask_with_key(server, body, "anna")
            server.until(lambda: server.metric("recurra_queue_questions", anna) >= 150)
            answer = pool.submit(server.solve, EASY, model="sudoku4", headers=ben).result(timeout=60)
            assert answer.json()["answer"] == EASY_ANSWER
            # Most of the other's still wait.
            assert server.metric("recurra_queue_questions", anna) > 100
            many.close()
            server.until(lambda: server.metric("recurra_running", anna) == 0)


def ask_with_key(server, body, key):
    body = json.dumps(body).encode()
    connection = connect(server)
    connection.sendall(HEAD + f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def load(server, stop, clients=8):
    """Clients that ask until `stop`, each on one connection; counts answers and what was lost."""
    counts = {"answered": 0, "refused": 0, "lost": 0}
    lock = threading.Lock()

    def run():
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
            while not stop.is_set():
                try:
                    answer = client.post("/v1/solve", json={"question": EASY})
                    kind = "answered" if answer.status_code == 200 else "refused"
                except httpx.ConnectError:
                    # The door is closed: nothing was accepted.
                    return
                except httpx.HTTPError:
                    kind = "lost"
                with lock:
                    counts[kind] += 1

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    return threads, counts


def test_a_stop_under_load_loses_nothing_that_was_accepted():
    with Server(MODELS / "sudoku4.safetensors") as server:
        stop = threading.Event()
        threads, counts = load(server, stop)
        server.until(lambda: counts["answered"] > 100)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
        stop.set()
        for thread in threads:
            thread.join()
        assert counts["lost"] == counts["refused"] == 0 and counts["answered"] > 100, counts


def test_a_reload_under_load_drops_nothing(tmp_path):
    model = tmp_path / "model.safetensors"
    model.write_bytes((MODELS / "sudoku4.safetensors").read_bytes())
    with Server(model) as server:
        before = server.client.get("/v1/models").json()["models"][0]
        stop = threading.Event()
        threads, counts = load(server, stop)
        server.until(lambda: counts["answered"] > 50)
        recurra_quantized = subprocess.run([os.environ["RECURRA"], "quantize", MODELS / "sudoku4.safetensors", "--to", "q8", "-o", model], capture_output=True)
        assert recurra_quantized.returncode == 0, recurra_quantized.stderr
        server.process.send_signal(signal.SIGHUP)
        server.until(lambda: server.client.get("/v1/models").json()["models"][0]["id"] != before["id"])
        # One that cannot be read changes nothing.
        model.write_bytes(b"nothing")
        server.process.send_signal(signal.SIGHUP)
        server.until(lambda: any("stay as they were" in line for line in server.logs))
        so_far = counts["answered"]
        server.until(lambda: counts["answered"] > so_far + 50)
        stop.set()
        for thread in threads:
            thread.join()
        assert counts["lost"] == counts["refused"] == 0, counts


def test_an_output_that_is_not_finite_is_no_answer(tmp_path):
    data = bytearray((MODELS / "sudoku4.safetensors").read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + length])
    # Weights that are finite themselves, and nothing that is made of them.
    name = next(name for name in head if "lm_head" in name)
    start, end = head[name]["data_offsets"]
    data[8 + length + start : 8 + length + end] = struct.pack("<f", 3e38) * ((end - start) // 4)
    model = tmp_path / "large.safetensors"
    model.write_bytes(data)
    with Server(model) as server:
        answer = server.solve(EASY)
        assert answer.status_code == 500 and "finite" in answer.json()["detail"]
        many = server.client.post("/v1/solve", json={"questions": [EASY]}).json()["answers"]
        assert "finite" in many[0]["error"]
        with server.client.stream("POST", "/v1/solve", json={"question": EASY}, headers={"accept": "text/event-stream"}) as told:
            text = told.read().decode()
        assert "event: error" in text and "event: answer" not in text and "NaN" not in text
        assert server.client.get("/healthz").status_code == 200
