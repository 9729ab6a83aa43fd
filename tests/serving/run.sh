#!/usr/bin/env bash
# Drives the real program with real clients: tests/serving/run.sh PROGRAM [pytest's arguments]. Python's packages go into a virtual
# environment beside Cargo's builds.
set -euo pipefail
program=$(realpath "$1")
shift
here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../..")
venv=${SERVING_VENV:-${CARGO_TARGET_DIR:-$root/target}/serving-venv}
if [ ! -x "$venv/bin/pytest" ] || ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/requirements.txt"
fi
# The protocol's own tests of MCP servers need Node.js, and a newer one than most systems have.
conformance=$here/conformance
if command -v npm >/dev/null && ! [ "$conformance/node_modules/.package-lock.json" -nt "$conformance/package-lock.json" ]; then
  npm ci --prefix "$conformance" --no-audit --no-fund >/dev/null
fi
# The other end of ten thousand connections is here.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
cd "$root"
RECURRA="$program" exec "$venv/bin/pytest" -q -p no:cacheprovider --rootdir "$here" "$here" "$@"
