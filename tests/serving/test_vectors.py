"""A model of vectors between a client and its embedding service."""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import signal
import subprocess
import threading
import time

import numpy
import openai
import pytest
from conftest import D, MODELS, PROGRAM, Server, commands, curl, embed, recurra, save, unit


class Upstream:
    """An embedding service as others are, which `spoil` makes go wrong."""

    def __init__(self):
        self.asked, self.keys, self.spoil, self.release = [], [], None, threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append(body)
                outer.keys.append(self.headers.get("authorization"))
                texts = body["input"]
                data = [{"object": "embedding", "index": i, "embedding": embed(text).tolist()} for i, text in enumerate(texts)]
                answer = {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)}}
                status, raw = 200, None
                if outer.spoil:
                    status, raw = outer.spoil(answer) or (200, None)
                raw = json.dumps(answer).encode() if raw is None else raw
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/embeddings"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def service():
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def vectors(adapter, service):
    with Server(adapter, MODELS / "sudoku4.safetensors", "--embeddings-upstream", service.url, "--threads", 2) as running:
        yield running


@pytest.fixture(autouse=True)
def unspoilt(service):
    service.spoil = None
    service.asked.clear()
    service.keys.clear()


def client(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="a-key", max_retries=0)


def ask(server, value, **more):
    return server.client.post("/v1/embeddings", json={"input": value, "model": "adapter", **more})


def test_a_client_of_openai_gets_refined_embeddings(vectors, service):
    texts = ["the first question", "the second question"]
    answer = client(vectors).embeddings.create(model="adapter", input=texts)
    assert [item.index for item in answer.data] == [0, 1]
    assert answer.usage.total_tokens == 2
    assert service.asked[0]["input"] == texts and service.asked[0]["model"] == "toy-embedder"
    # The asker's key is for the service.
    assert service.keys == ["Bearer a-key"]
    for text, item in zip(texts, answer.data):
        assert item.recurra["refined"] is True
        turned = numpy.roll(embed(text), 5)
        assert numpy.dot(item.embedding, turned) > 0.8 > numpy.dot(embed(text), turned)
        assert numpy.linalg.norm(item.embedding) == pytest.approx(1, abs=1e-5)
    # The client asks for base64 unless told otherwise: both say the same.
    plain = client(vectors).embeddings.create(model="adapter", input=texts[0], encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(answer.data[0].embedding, abs=1e-6)
    assert plain.data[0].recurra["route"] == "exact"
    raw = ask(vectors, texts[0], encoding_format="base64").json()["data"][0]["embedding"]
    assert numpy.frombuffer(base64.b64decode(raw), "<f4") == pytest.approx(plain.data[0].embedding)


def test_tokens_go_to_the_service(vectors, service):
    assert len(ask(vectors, [[1, 2, 3], [4]]).json()["data"]) == 2
    assert service.asked[0]["input"] == [[1, 2, 3], [4]]
    assert len(ask(vectors, [1, 2, 3]).json()["data"]) == 1
    assert service.asked[1]["input"] == [[1, 2, 3]]


def test_vectors_need_no_service_and_are_what_solve_prints(vectors, service, adapter):
    several = [embed(str(i)).tolist() for i in range(40)]
    data = ask(vectors, several).json()["data"]
    assert service.asked == []
    lines = "\n".join(json.dumps({"question": vector}) for vector in several)
    printed = [json.loads(line) for line in recurra("solve", adapter, "--json", text=lines).splitlines()]
    for item, line in zip(data, printed):
        assert item["embedding"] == pytest.approx(line["vector"], abs=1e-5)
        assert item["recurra"]["refined"] == line["refined"]
    one = ask(vectors, several[0]).json()["data"]
    assert one[0]["embedding"] == pytest.approx(data[0]["embedding"]) and one[0]["recurra"]["route"] == "exact"
    question = {"question": several[0] + several[1], "initial": several[2]}
    two = ask(vectors, [question]).json()["data"]
    assert len(two[0]["embedding"]) == D
    mixed = ask(vectors, ["a text", several[3]]).json()["data"]
    assert mixed[1]["embedding"] == pytest.approx(data[3]["embedding"], abs=1e-5)


def test_the_pages_command_does_what_it_says(vectors):
    [command] = [command for command in commands("docs/serving.md") if "/v1/embeddings" in command]
    # The page's vector is shorter than this model's.
    vector = json.dumps([embed("a question").tolist()])
    command, changed = re.subn(r"\[\[[^\]]*\]\]", vector, command)
    assert changed == 1
    assert len(json.loads(curl(command, vectors))["data"][0]["embedding"]) == D


def test_the_unsure_are_returned_as_they_came(tmp_path, service):
    # It learns to turn round what should stay where it is.
    rng = numpy.random.default_rng(3)
    queries = unit(rng.standard_normal((60, D)))
    save(tmp_path / "pairs.safetensors", {"queries": queries, "answers": -queries})
    save(tmp_path / "measured.safetensors", {"queries": queries, "answers": unit(queries + 0.01)})
    model = tmp_path / "unsure.safetensors"
    files = ("--data", tmp_path / "pairs.safetensors", "--measure-on", tmp_path / "measured.safetensors", "-o", model)
    recurra("train", "--task", "vectors", *files, "--steps", "200", "--measure-every", "200", "--hidden", "32", "--threads", "1")
    with Server(model, "--embeddings-upstream", service.url) as server:
        answer = client(server).embeddings.create(model="unsure", input="what nobody knows")
        assert answer.data[0].recurra["refined"] is False
        assert answer.data[0].embedding == pytest.approx(embed("what nobody knows").tolist(), abs=1e-7)


@pytest.mark.parametrize(
    "value, expected",
    [
        ([0.5] * 4, "16 numbers"),
        ([0.0] * D, "not zero"),
        ([1e300] + [0.5] * (D - 1), "finite numbers"),
        ([7.5] * D, "length 1"),
        ([[0.25] * D, [0.0] * D], "input 1"),
        ([], "1 to 1024"),
        ([[]], "found 0"),
        (["a", 1.5], "found both"),
        ([None], "a text, a number"),
        ([{"question": []}], "found 0"),
        ([{"query": [1.0]}], "unknown field"),
    ],
)
def test_bad_vectors_are_refused(vectors, value, expected):
    refused = ask(vectors, value)
    assert refused.status_code == 422, refused.text
    assert expected in refused.json()["detail"]


def test_bad_requests_are_refused(vectors):
    vector = embed("a").tolist()
    assert "expected 16" in ask(vectors, vector, dimensions=8).json()["detail"]
    assert ask(vectors, vector, dimensions=16).status_code == 200
    assert ask(vectors, vector, max_steps=0).status_code == ask(vectors, vector, max_steps=10**6).status_code == 422
    assert ask(vectors, vector, encoding_format="hex").status_code == 422
    other = vectors.client.post("/v1/embeddings", json={"input": vector, "model": "sudoku4"})
    assert other.status_code == 422 and "found one of puzzles" in other.json()["detail"]
    assert vectors.client.post("/v1/embeddings", json={"input": vector, "model": "none"}).status_code == 404
    assert "found one of vectors" in vectors.solve("1", model="adapter").json()["detail"]
    with pytest.raises(openai.NotFoundError):
        client(vectors).embeddings.create(model="none", input="a")


def spoilt(**change):
    def spoil(answer):
        answer["data"][0].update(change)

    return spoil


@pytest.mark.parametrize(
    "spoil, expected",
    [
        (lambda _: (500, None), "status 500"),
        (lambda _: (401, None), "status 401"),
        (lambda _: (302, None), "status 302"),
        (lambda _: (200, b"<html>"), "something else"),
        (lambda _: (200, b"{}"), "something else"),
        (lambda _: (200, b'{"data": [' + b" " * 4_000_000), "too much"),
        (lambda answer: answer["data"].clear(), "0 embeddings"),
        (spoilt(index=9), "other texts"),
        (spoilt(embedding=[1.0]), "vectors of 1 numbers"),
        (spoilt(embedding=[0.0] * D), "not zero"),
        (spoilt(embedding=[3.0] * D), "length 1"),
        (spoilt(embedding=[1e39] * D), "something else"),
        (spoilt(embedding=[None] * D), "something else"),
        (spoilt(embedding=None), "something else"),
    ],
)
def test_a_wrong_service_is_a_bad_gateway(vectors, service, spoil, expected):
    service.spoil = spoil
    answer = ask(vectors, "a text that nobody has asked")
    assert answer.status_code == 502, answer.text
    assert answer.json()["code"] == "upstream" and expected in answer.json()["detail"]
    assert "data" not in answer.json()
    service.spoil = None
    assert ask(vectors, "a text that nobody has asked").status_code == 200


def test_a_busy_service_says_so(vectors, service):
    service.spoil = lambda _: (429, None)
    assert ask(vectors, "busy").status_code == 429
    with pytest.raises(openai.RateLimitError):
        client(vectors).embeddings.create(model="adapter", input="busy")


def test_a_slow_service_is_a_timeout(vectors, service):
    def wait(_):
        service.release.wait(60)

    service.spoil = wait
    began = time.monotonic()
    answer = ask(vectors, "slow", timeout=0.3)
    assert answer.status_code == 504 and answer.json()["code"] == "upstream"
    assert time.monotonic() - began < 30
    service.release.set()


def test_a_service_that_is_away_is_a_bad_gateway(adapter):
    with Upstream() as upstream:
        url = upstream.url
    with Server(adapter, "--embeddings-upstream", url) as server:
        away = ask(server, "a")
        assert away.status_code == 502 and "could not be reached" in away.json()["detail"]
        with pytest.raises(openai.InternalServerError):
            client(server).embeddings.create(model="adapter", input="a")
        # Who has vectors does not need it.
        assert ask(server, embed("a").tolist()).status_code == 200
    with Server(adapter) as server:
        assert "--embeddings-upstream" in ask(server, "a").json()["detail"]
    done = subprocess.run([PROGRAM, "serve", str(adapter), "--listen", "127.0.0.1:0", "--embeddings-upstream", "nowhere"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "expected the URL" in done.stderr


def test_keys_of_this_server_stay_here(adapter, service):
    key = "0123456789abcdef"
    line = f"anna {hashlib.sha256(key.encode()).hexdigest()}"
    environment = {"RECURRA_API_KEYS": line, "RECURRA_EMBEDDINGS_KEY": "theirs"}
    with Server(adapter, "--embeddings-upstream", service.url, "--embeddings-model", "their-name", env=environment) as server:
        headers = {"authorization": f"Bearer {key}"}
        assert server.client.post("/v1/embeddings", json={"input": "a"}, headers=headers).status_code == 200
        assert server.client.post("/v1/embeddings", json={"input": "a"}).status_code == 401
    assert service.keys == ["Bearer theirs"] and service.asked[0]["model"] == "their-name"


def feedback(server, item, right):
    return server.client.post("/v1/feedback", json={"model": "adapter", "id": item["recurra"]["id"], "right": right})


def test_feedback_teaches_and_is_kept(adapter, tmp_path, service):
    settings = ["--embeddings-upstream", service.url, "--learnt", tmp_path / "learnt", "--cache", tmp_path / "answers"]
    first = embed("first")
    near = unit(first + 0.02 * embed("noise"))
    with Server(adapter, *settings) as server:
        start = ask(server, first.tolist()).json()["data"][0]
        told = feedback(server, start, True).json()
        assert (told["right"], told["wrong"]) == (1, 0)
        assert feedback(server, start, True).status_code == 404
        found = ask(server, near.tolist()).json()["data"][0]
        assert found["recurra"]["route"] == "similar" and found["recurra"]["similarity"] > 0.99
        stricter = feedback(server, found, False).json()
        assert stricter["wrong"] == 1 and stricter["threshold"] > told["threshold"]
        for wrong in ("", "0", "zz" * 8, "0" * 16):
            body = {"model": "adapter", "id": wrong, "right": True}
            assert server.client.post("/v1/feedback", json=body).status_code == 404
        assert server.client.post("/v1/feedback", json={"id": 1, "right": True}).status_code == 422
        far = ask(server, embed("far").tolist()).json()["data"][0]
        # Reading the models again forgets nothing of it.
        server.process.send_signal(signal.SIGHUP)
        server.until(lambda: any("read again" in line for line in server.logs))
    with Server(adapter, *settings) as server:
        again = ask(server, embed("far").tolist()).json()["data"][0]
        assert again["recurra"]["route"] == "exact" and again["embedding"] == far["embedding"]
        learnt = feedback(server, again, True).json()
        assert (learnt["right"], learnt["wrong"]) == (2, 1)
        assert learnt["threshold"] == pytest.approx(stricter["threshold"])
    size = sum(f.stat().st_size for f in (tmp_path / "learnt").rglob("*"))
    assert size < 1 << 20


def test_a_model_of_vectors_is_listed(vectors):
    models = {model["model"]: model for model in vectors.client.get("/v1/models").json()["models"]}
    assert set(models) == {"adapter", "sudoku4"}
    assert "vectors of 16 numbers by toy-embedder" in models["adapter"]["task"]
    # The page to try offers what it can ask.
    assert {name for name, model in models.items() if model["solves"]} == {"sudoku4"}
    assert vectors.client.get("/v1/models/adapter").json() == models["adapter"]
