"""Tools for language models, driven by the official client."""

import asyncio
import json
import os

import pytest
from conftest import EASY, EASY_ANSWER, MODELS, PROGRAM, ROOT, Server, recurra
from mcp import Client, StdioServerParameters

NAMES = ["sudoku4", "sudoku", "maze15"]
TOOLS = {"list_models", "describe_task", "solve", "check", "generate", "explain_steps"}


def session(kind, server, **more):
    """A client over standard input and output, or over HTTP."""
    if kind == "http":
        return Client(f"{server.url}/mcp", **more)
    files = [str(MODELS / f"{name}.safetensors") for name in NAMES]
    return Client(StdioServerParameters(command=PROGRAM, args=["mcp", *files]), **more)


def tokens(value, each):
    """At least as many as the usual tokenizers find: schemas have more than four bytes a token, drawn mazes two and a half."""
    return len(json.dumps(value, separators=(",", ":")).encode()) / each


@pytest.mark.parametrize("kind", ["stdio", "http"])
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_every_tool(kind, mode, server):
    async def run():
        async with session(kind, server, mode=mode) as client:
            tools = (await client.list_tools()).tools
            assert {tool.name for tool in tools} == TOOLS
            for tool in tools:
                assert tool.output_schema and tool.annotations.read_only_hint and tool.annotations.idempotent_hint
            assert sum(tokens(tool.model_dump(exclude_none=True, by_alias=True), 3) for tool in tools) < 2000

            async def call(name, **arguments):
                # The client holds structured content against the output schema.
                result = await client.call_tool(name, arguments)
                assert not result.is_error, result.content
                assert json.loads(result.content[0].text) == result.structured_content
                assert tokens(result.structured_content, 2.5) < 1000
                return result.structured_content

            models = await call("list_models")
            assert {row["model"] for row in models["models"]} >= set(NAMES)
            about = await call("describe_task", model="sudoku4")
            assert about["proves"] and len(about["example"]["question"]) == 16
            answer = await call("solve", model="sudoku4", question=EASY)
            assert (answer["answer"], answer["verified"]) == (EASY_ANSWER, True)
            rows = [EASY[i : i + 4] for i in range(0, 16, 4)]
            assert (await call("solve", model="sudoku4", question=rows))["answer"] == EASY_ANSWER
            assert await call("check", model="sudoku4", question=EASY, answer=EASY_ANSWER) == {"verified": True, "objection": None}
            made = await call("generate", model="maze15", seed=4)
            path = await call("solve", model="maze15", question=made["question"])
            assert path["verified"] and "o" in path["answer"]
            large = await call("generate", model="maze30", seed=4) if kind == "http" else made
            assert await call("explain_steps", model=large["model"], question=large["question"])
            told = await call("explain_steps", model="sudoku4", question=EASY)
            assert told["thinking"][0]["step"] == 1 and len(told["thinking"]) == told["steps"]
            trace = await client.read_resource(told["trace"])
            lines = [json.loads(line) for line in trace.contents[0].text.splitlines()]
            assert lines[-1]["event"] == "answer" and lines[-1]["answer"] == EASY_ANSWER
            assert {str(r.uri) for r in (await client.list_resources()).resources} >= {f"recurra://models/{name}" for name in NAMES}
            assert (await client.list_resource_templates()).resource_templates[0].uri_template.startswith("recurra://models/{model}/trace/")

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["stdio", "http"])
def test_errors_say_how_to_repair_the_call(kind, server):
    async def run():
        async with session(kind, server) as client:
            for name, arguments, message in (
                ("solve", {"model": "sudoku4", "question": "12"}, "16 characters"),
                ("solve", {"model": "sudoku4", "question": EASY, "restarts": 10**6}, "at most"),
                ("solve", {"question": EASY}, "model"),
                ("solve", {"model": "sudoku4", "question": EASY, "speed": 1}, "speed"),
                ("check", {"model": "sudoku4", "question": EASY, "answer": "1"}, "answer"),
                ("generate", {"model": "nothing"}, "sudoku4"),
            ):
                result = await client.call_tool(name, arguments)
                assert result.is_error and result.structured_content is None
                assert message in result.content[0].text, result.content[0].text

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["stdio", "http"])
def test_progress_is_told(kind, server):
    async def run():
        seen = []

        async def progress(done, total, message):
            seen.append((done, total, message))

        async with session(kind, server) as client:
            question = (await client.call_tool("generate", {"model": "sudoku", "seed": 3})).structured_content["question"]
            answer = await client.call_tool("solve", {"model": "sudoku", "question": question}, progress_callback=progress)
            assert not answer.is_error
            assert [done for done, _, _ in seen] == list(range(1, answer.structured_content["steps"] + 1))

    asyncio.run(run())


def test_both_versions_over_http(server):
    """2025-11-25 begins with `initialize`; 2026-07-28 says all in each request."""
    headers = {"accept": "application/json, text/event-stream"}

    def post(body, **more):
        return server.client.post("/mcp", json={"jsonrpc": "2.0", **body}, headers={**headers, **more})

    begin = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    assert post({"id": 1, "method": "initialize", "params": begin}).json()["result"]["protocolVersion"] == "2025-11-25"
    tools = post({"id": 2, "method": "tools/list"}, **{"mcp-protocol-version": "2025-11-25"})
    assert {tool["name"] for tool in tools.json()["result"]["tools"]} == TOOLS
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    call = {"name": "solve", "arguments": {"model": "sudoku4", "question": EASY}, "_meta": meta}
    more = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "solve"}
    answer = post({"id": 3, "method": "tools/call", "params": call}, **more)
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"]["structuredContent"]["answer"] == EASY_ANSWER
    assert server.client.post("/mcp", json={}, headers={**headers, "origin": "https://evil.example"}).status_code == 403


def test_what_is_said_to_be_verified_is_right(server):
    """Extreme Sudokus through the tool, held against the exact solver's answers."""
    count = int(os.environ.get("RECURRA_EXTREME", "20"))
    table = extreme(count)

    async def run():
        verified = 0
        async with session("http", server) as client:
            for question, right in table:
                result = await client.call_tool("solve", {"model": "sudoku", "question": question})
                assert not result.is_error
                answer = result.structured_content
                assert answer["verified"] is (answer["answer"] == right)
                verified += answer["verified"]
        print(f"{verified} of {count} verified")
        assert verified >= count * 0.9

    asyncio.run(run())


def extreme(count):
    """Questions for which an exact solver guesses wrong twenty times or more, and their answers."""
    rules = MODELS / "rules" / "sudoku-9.toml"
    table = recurra("generate", "grid", "--rules", rules, "--min-rating", 20, "--count", count, "--seed", 77)
    rows = [line.replace("/", "").split(",") for line in table.splitlines()]
    question, answer = rows[0].index("question"), rows[0].index("answer")
    return [(row[question], row[answer]) for row in rows[1:]]
