"""The Model Context Protocol's own tests of servers (npm: `@modelcontextprotocol/conformance`), at both versions that we serve.

They are made for a server with tools, prompts and resources of set names (`test_simple_text`, …). A real server has none of these, so
what asks for them cannot pass: `ABSENT` names every such check, and no other may fail.
"""

import json
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent / "conformance"
SUITE = HERE / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"

ABSENT = {
    "a tool of theirs": """
        tools-call-simple-text tools-call-image tools-call-audio tools-call-embedded-resource tools-call-mixed-content tools-call-error
        tools-call-with-progress tools-call-sampling tools-call-elicitation elicitation-sep1034-general elicitation-sep1330-general
        json-schema-2020-12-tool-found sep-2322-elicitation-incomplete sep-2322-list-roots-incomplete sep-2322-sampling-incomplete
        sep-2322-respect-client-capabilities sep-2322-ignore-unexpected-params sep-2322-missing-response-rerequests
        sep-2322-multi-round-r1 sep-2322-multiple-inputs-incomplete sep-2322-request-state-incomplete sep-2322-result-type-included
        sep-2322-reject-tampered-state sep-2575-http-server-no-independent-requests-on-stream sep-2575-missing-capability-http-400
        sep-2575-server-no-log-without-loglevel sep-2575-server-rejects-undeclared-capability sep-2243-server-decode-base64
        sep-2243-server-no-xmcp-tool sep-2243-server-reject-invalid-param-chars sep-2243-server-reject-param-mismatch
        sep-2243-server-validate-param-match""",
    "a resource of theirs": "resources-read-text resources-read-binary resources-templates-read",
    "prompts": """
        prompts-list prompts-get-simple prompts-get-with-args prompts-get-embedded-resource prompts-get-with-image
        sep-2322-non-tool-incomplete sep-2549-prompts-list-caching-hints""",
    "completions": "completion-complete",
    "logs for clients": "logging-set-level tools-call-with-logging",
    "subscriptions: what a resource holds never changes": "resources-subscribe resources-unsubscribe",
    "sessions: none is kept": "server-sse-multiple-streams-session server-sse-polling-session",
}

EXTENSIONS = ("tasks-", "sep-2640-")
"""Scenarios of parts that a server need not have."""


def node():
    """A Node.js that the suite runs on."""
    for path in (shutil.which("node"), str(HERE / "node_modules" / "node" / "bin" / "node")):
        if path and pathlib.Path(path).exists():
            found = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            if found.startswith("v") and int(found[1:].split(".")[0]) >= 22:
                return path
    return None


@pytest.mark.skipif(not SUITE.exists() or node() is None, reason="no npm here: npm ci --prefix tests/serving/conformance")
@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_nothing_fails_but_what_asks_for_what_we_have_not(version, server, tmp_path):
    arguments = ["server", "--url", f"{server.url}/mcp", "--suite", "all", "--spec-version", version, "--output-dir", tmp_path]
    done = subprocess.run([node(), SUITE, *arguments], capture_output=True, text=True, timeout=300)
    found = {"SUCCESS": set(), "FAILURE": set(), "WARNING": set()}
    for file in tmp_path.glob("*/checks.json"):
        if not file.parent.name.removeprefix("server-").startswith(EXTENSIONS):
            for check in json.loads(file.read_text()):
                found.setdefault(check["status"], set()).add(check["id"])
    assert len(found["SUCCESS"]) >= 8, done.stdout + done.stderr
    absent = set(" ".join(ABSENT.values()).split())
    assert (found["FAILURE"] | found["WARNING"]) <= absent, done.stdout
