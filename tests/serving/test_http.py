"""What programs ask over HTTP."""

import datetime
import ipaddress
import json
import re
import subprocess

import httpx
import numpy
import pytest
import tritonclient.http
from tritonclient.utils import InferenceServerException
from conftest import EASY, EASY_ANSWER, MODELS, PROGRAM, ROOT, Server, commands, curl, recurra


def test_an_answer_is_the_line_that_the_program_prints(server):
    said = server.solve(EASY, model="sudoku4").json()
    printed = json.loads(recurra("solve", MODELS / "sudoku4.safetensors", "--json", text=EASY))
    assert said.pop("seconds") >= 0 and printed.pop("seconds") >= 0
    # The program's one question has all threads: sums of floats may differ in the last bits.
    assert said.pop("halt") == pytest.approx(printed.pop("halt"), abs=1e-3)
    assert said == printed


def test_several_questions_and_a_bad_one_among_them(server):
    body = {"model": "sudoku4", "questions": [EASY, "nonsense", EASY]}
    answers = server.client.post("/v1/solve", json=body).json()["answers"]
    assert [row["line"] for row in answers] == [1, 2, 3]
    assert answers[0]["answer"] == answers[2]["answer"] == EASY_ANSWER
    assert "expected" in answers[1]["error"]
    refused = server.solve("nonsense", model="sudoku4")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "refused"


def test_rows_are_a_question(server):
    rows = [EASY[i : i + 4] for i in range(0, 16, 4)]
    assert server.solve(rows, model="sudoku4").json()["answer"] == EASY_ANSWER


def events(response):
    for part in response.read().decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in part.splitlines() if ": " in line)
        if "data" in fields:
            yield fields["event"], json.loads(fields["data"])


def test_steps_are_told_as_they_happen(server):
    body = {"model": "sudoku4", "questions": [EASY, "bad"]}
    with server.client.stream("POST", "/v1/solve", json=body, headers={"accept": "text/event-stream"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        told = list(events(response))
    first = [event for name, event in told if event["line"] == 1]
    assert [event["event"] for event in first][:2] == ["attempt", "step"]
    assert first[-1]["event"] == "answer" and first[-1]["answer"] == EASY_ANSWER
    assert len([e for e in first if e["event"] == "step"]) == first[-1]["steps"]
    assert [name for name, event in told if event["line"] == 2] == ["error"]


def test_answers_are_checked_without_a_model(server):
    def check(model, question, answer):
        return server.client.post("/v1/check", json={"model": model, "question": question, "answer": answer})

    assert check("sudoku4", EASY, EASY_ANSWER).json() == {"verified": True, "objection": None}
    rows = "\n".join(EASY_ANSWER[i : i + 4] for i in range(0, 16, 4))
    assert check("sudoku4", EASY, rows).json()["verified"] is True
    wrong = check("sudoku4", EASY, "1342243142133142").json()
    assert wrong["verified"] is False and wrong["objection"]
    assert check("sudoku4", EASY, "13").status_code == 422
    made = server.client.get("/v1/models/maze15/generate", params={"seed": 3}).json()["puzzles"][0]
    assert check("maze15", made["question"], made["answer"]).json()["verified"] is True
    assert check("maze15", made["question"], made["question"]).json()["verified"] is False


def test_models_and_puzzles(server):
    models = {row["model"]: row for row in server.client.get("/v1/models").json()["models"]}
    assert set(models) == {"sudoku4", "sudoku", "maze15", "maze30"}
    assert server.client.get("/v1/models/sudoku4").json() == models["sudoku4"]
    first = server.client.get("/v1/models/sudoku4/generate", params={"seed": 5, "count": 3}).json()["puzzles"]
    again = server.client.get("/v1/models/sudoku4/generate", params={"seed": 5, "first": 1}).json()["puzzles"]
    assert first[1:2] == again and len({p["question"] for p in first}) == 3
    given = server.client.get("/v1/models/sudoku/generate", params={"givens": 40}).json()["puzzles"][0]["question"]
    assert len(given) - given.count(".") == 40
    assert server.client.get("/v1/models/nothing").status_code == 404


def test_health_metrics_and_pages(server):
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.get("/readyz").json() == {"status": "ready"}
    server.solve(EASY, model="sudoku4")
    metrics = server.client.get("/metrics").text
    assert 'recurra_questions_total{model="sudoku4",outcome="verified"}' in metrics
    page = server.client.get("/try")
    assert page.headers["content-type"].startswith("text/html") and "default-src 'none'" in page.headers["content-security-policy"]
    # It asks no other host.
    assert not re.search(r"https?://", page.text)
    assert server.client.get("/").text == page.text
    assert "/v1/solve" in server.client.get("/openapi.json").json()["paths"]
    assert server.client.get("/nothing").status_code == 404
    wrong = server.client.get("/v1/solve")
    assert wrong.status_code == 405 and wrong.headers["allow"] == "POST"


def test_limits(server):
    for options in ({"max_steps": 100000}, {"restarts": 10**6}, {"side_by_side": 1000}, {"max_steps": 0}, {"stop": "soon"}, {"nothing": 1}):
        refused = server.solve(EASY, model="sudoku4", **options)
        assert refused.status_code == 422, options
        assert next(iter(options)) in refused.json()["detail"]
    assert server.client.post("/v1/solve", json={"model": "sudoku4", "questions": [EASY] * 5000}).status_code == 422
    assert server.client.post("/v1/solve", json={"model": "sudoku4", "questions": []}).status_code == 422
    assert server.solve(EASY, model="sudoku4", timeout=1e9).status_code == 422
    assert server.client.post("/v1/solve", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert server.client.post("/v1/solve", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    assert server.client.post("/v1/solve", content=b" " * (2 << 20), headers={"content-type": "application/json"}).status_code == 413
    assert server.client.post("/v1/solve", json={"question": EASY}).status_code == 422


def test_a_table_of_ones_own(tmp_path):
    config = tmp_path / "serve.toml"
    config.write_text(
        f'[[model]]\nname = "jigsaw"\nfile = "{MODELS}/constraints.safetensors"\nrules = "{MODELS}/rules/jigsaw-6.toml"\n'
        f'[[model]]\nname = "sudoku6"\nfile = "{MODELS}/sudoku.safetensors"\nsize = "6"\n[limits]\nquestions = 2\n'
    )
    with Server("--config", config) as server:
        made = server.client.get("/v1/models/jigsaw/generate", params={"seed": 2}).json()["puzzles"][0]
        answer = server.solve(made["question"], model="jigsaw", restarts=32).json()
        assert answer["verified"] is True and answer["answer"] == made["answer"]
        body = {"model": "jigsaw", **made}
        assert server.client.post("/v1/check", json=body).json()["verified"] is True
        body["answer"] = body["answer"].replace("1", "2")
        checked = server.client.post("/v1/check", json=body).json()
        assert checked["verified"] is False and checked["objection"]
        assert server.client.post("/v1/solve", json={"model": "sudoku6", "questions": ["." * 36] * 3}).status_code == 422


def test_arc(tmp_path):
    model = tmp_path / "arc.safetensors"
    recurra("train", "--task", "arc", "--data", ROOT / "tests/data/arc", "--mixer", "conv", "--hidden", 16, "--augmentations", 1, "--steps", 2, "--threads", 1, "-o", model)
    challenges = json.loads((ROOT / "tests/data/arc/evaluation_challenges.json").read_text())
    with Server(model) as server:
        answer = server.client.post("/v1/solve", json={"question": challenges, "options": {"max_steps": 1}})
        assert answer.status_code == 200, answer.text
        answer = answer.json()
        assert answer["verified"] is None and set(json.loads(answer["answer"])) == set(challenges)
        assert server.client.post("/v1/check", json={"question": "a", "answer": "b"}).status_code == 422
        assert server.solve("{}", restarts=3).status_code == 422


HASH = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of `secret`


def test_keys_and_rates(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"anna {HASH} rate=0.1\n")
    with Server(MODELS / "sudoku4.safetensors", "--keys", keys) as server:
        assert server.client.get("/healthz").status_code == 200
        refused = server.solve(EASY)
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert server.solve(EASY, headers={"authorization": "Bearer wrong"}).status_code == 401
        key = {"authorization": "Bearer secret"}
        assert server.solve(EASY, headers=key).status_code == 200
        slow = server.solve(EASY, headers=key)
        assert slow.status_code == 429 and int(slow.headers["retry-after"]) >= 1
        assert server.client.get("/metrics").status_code == 401
    assert not any("secret" in line for line in server.logs)


def test_names_and_origins(server):
    assert server.client.get("/v1/models", headers={"host": "evil.example"}).status_code == 403
    assert server.client.get("/v1/models", headers={"origin": "https://evil.example"}).status_code == 403
    assert server.client.get("/v1/models", headers={"origin": server.url}).status_code == 200
    with Server(MODELS / "sudoku4.safetensors", "--allowed-origin", "https://app.example") as other:
        answer = other.client.get("/v1/models", headers={"origin": "https://app.example"})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        asked = {"origin": "https://app.example", "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
        preflight = other.client.options("/v1/solve", headers=asked)
        assert preflight.status_code == 200 and "POST" in preflight.headers["access-control-allow-methods"]


def test_logs_name_requests_and_traces_but_no_questions():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with Server(MODELS / "sudoku4.safetensors") as server:
        headers = {"x-request-id": "mine-1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        answer = server.solve(EASY, headers=headers)
        assert answer.headers["x-request-id"] == "mine-1"
        server.solve("secret-question", headers={"x-request-id": "bad id"})
        server.until(lambda: len(server.access()) >= 2)
        first, second = server.access()[:2]
        assert (first["request_id"], first["trace_id"], first["route"], first["status"]) == ("mine-1", trace, "/v1/solve", 200)
        assert len(second["request_id"]) == 32 and second["problem"] == "refused"
    assert not any(EASY in line or "secret-question" in line for line in server.logs)


def test_tls_and_unix_sockets(tmp_path):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    socket = tmp_path / "socket"
    args = ["--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem", "--unix", socket]
    with Server(MODELS / "sudoku4.safetensors", *args) as server:
        assert server.url.startswith("https://")
        with httpx.Client(verify=str(tmp_path / "cert.pem"), trust_env=False) as client:
            assert client.get(f"{server.url}/healthz").status_code == 200
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as client:
            assert client.post("http://any/v1/solve", json={"question": EASY}).json()["answer"] == EASY_ANSWER
    assert not socket.exists()


def test_a_page_in_a_folder(tmp_path):
    (tmp_path / "index.html").write_text("<p>page")
    (tmp_path / "engine.wasm").write_bytes(b"\0asm")
    with Server(MODELS / "sudoku4.safetensors", "--page", tmp_path) as server:
        assert server.client.get("/").text == "<p>page"
        module = server.client.get("/engine.wasm")
        assert module.headers["content-type"] == "application/wasm"
        assert "wasm-unsafe-eval" in module.headers["content-security-policy"]
        assert server.client.get("/../../etc/passwd").status_code == 404
        assert server.client.get("/nothing").json()["code"] == "not_found"
        assert server.client.get("/try").status_code == 200


def test_a_cache_knows_what_was_asked(tmp_path):
    with Server(MODELS / "sudoku4.safetensors", "--cache", tmp_path / "cache") as server:
        assert server.solve(EASY).json()["source"] == "model"
        assert server.solve(EASY).json()["source"] == "exact"
    with Server(MODELS / "sudoku4.safetensors", "--cache", tmp_path / "cache") as server:
        assert server.solve(EASY).json()["source"] == "stored"


@pytest.mark.parametrize("binary", [True, False])
def test_clients_of_triton(server, binary):
    client = tritonclient.http.InferenceServerClient(server.url.removeprefix("http://"))
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("sudoku4")
    about = client.get_model_metadata("sudoku4")
    assert {tensor["name"] for tensor in about["inputs"]} == {"question", "tokens"}
    question = tritonclient.http.InferInput("question", [2], "BYTES")
    question.set_data_from_numpy(numpy.array([EASY, EASY], dtype=object), binary_data=binary)
    outputs = [tritonclient.http.InferRequestedOutput(name, binary_data=binary) for name in ("answer", "verified", "steps", "tokens")]
    result = client.infer("sudoku4", [question], outputs=outputs, request_id="7")
    answers = [a.decode() if isinstance(a, bytes) else a for a in result.as_numpy("answer").tolist()]
    assert answers == [EASY_ANSWER] * 2
    assert result.as_numpy("verified").all() and result.as_numpy("tokens").shape == (2, 16)
    tokens = tritonclient.http.InferInput("tokens", [1, 16], "INT32")
    asked = [[1 if sign == "." else int(sign) + 1 for sign in EASY]]
    tokens.set_data_from_numpy(numpy.array(asked, dtype=numpy.int32), binary_data=binary)
    assert client.infer("sudoku4", [tokens]).as_numpy("verified").tolist() == [True]
    with pytest.raises(InferenceServerException):
        client.infer("nothing", [question])


def test_the_pages_commands_do_what_they_say(server):
    # test_vectors.py runs those for embeddings: this server has no model of vectors.
    found = [command for command in commands("docs/serving.md") if "/v1/embeddings" not in command]
    assert found
    for command in found:
        curl(command, server)


def test_what_cannot_be_served_is_said():
    for args, message in (
        ([], "model"),
        (["nothing.safetensors"], "nothing.safetensors"),
        ([f"bad name={MODELS}/sudoku4.safetensors"], "name"),
        ([MODELS / "sudoku4.safetensors", "--limit", "speed=1"], "speed"),
        ([MODELS / "sudoku4.safetensors", MODELS / "sudoku4.safetensors"], "sudoku4"),
    ):
        done = subprocess.run([PROGRAM, "serve", *map(str, args)], capture_output=True, text=True, timeout=60)
        assert done.returncode in (1, 2) and message in done.stderr and "panicked" not in done.stderr
