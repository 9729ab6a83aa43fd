#!/usr/bin/env bash
# Fuzzes every target in turn and prints a table: fuzz/run.sh [SECONDS each, 1800] [TARGET...]. Needs cargo-fuzz, and a nightly compiler or
# RUSTC_BOOTSTRAP=1. Findings are kept in `artifacts`, what was learnt in `corpus`.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-1800}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo fuzz list)
if cargo +nightly --version >/dev/null 2>&1; then cargo=(cargo +nightly); else export RUSTC_BOOTSTRAP=1; cargo=(cargo); fi
sanitizer=${SANITIZER:-none}
[ -d corpus ] || cargo run --quiet --manifest-path ../Cargo.toml -p recurra-fuzz-readers --example seeds
"${cargo[@]}" fuzz build -s "$sanitizer"
binaries=${CARGO_TARGET_DIR:-target}/$(rustc -vV | sed -n 's/^host: //p')/release
printf '%-12s %10s %12s %10s %8s\n' target seconds executions edges findings
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  before=$(find "artifacts/$target" -type f | wc -l)
  began=$(date +%s)
  # One process after the other until the time is up: a finding ends a process.
  executions=0
  while left=$((began + seconds - $(date +%s))) && [ $left -gt 0 ]; do
    log=$("$binaries/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" -max_total_time=$left -rss_limit_mb=2048 -timeout=20 -max_len=65536 -print_final_stats=1 2>&1 || true)
    executions=$((executions + $(printf '%s\n' "$log" | sed -n 's/^stat::number_of_executed_units: *//p' | tail -1 | grep . || echo 0)))
    edges=$(printf '%s\n' "$log" | grep -oE 'cov: [0-9]+' | tail -1 | cut -d' ' -f2)
    after=$(find "artifacts/$target" -type f | wc -l)
    # The same finding again and again says no more.
    [ $((after - before)) -lt 3 ] || break
  done
  printf '%-12s %10d %12d %10s %8d\n' "$target" $(($(date +%s) - began)) "$executions" "${edges:-0}" $((after - before))
done
