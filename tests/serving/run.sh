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
# The other end of ten thousand connections is here.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
cd "$root"
RECURRA="$program" exec "$venv/bin/pytest" -q -p no:cacheprovider --rootdir "$here" "$here" "$@"
