#!/usr/bin/env bash
# Counts the instructions of hot kernels and of one step, and holds them against `bounds.txt` beside it: what needs more than is
# written there fails. With `--update` the bounds are written anew, a tenth above what was counted.
#
# Valgrind knows no AVX-512, so the counts are those of AVX2 and of plain Rust; they do not depend on what else the machine does.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
cd "$here/../.."
[ "$(uname -m)" = x86_64 ] || { echo "skipped: bounds are those of x86-64" >&2; exit 0; }
command -v valgrind >/dev/null || { echo "skipped: no valgrind here (Debian: valgrind)" >&2; exit 0; }
grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo && sets="avx2 scalar" || sets=scalar

program=$(cargo bench -p recurra --bench instructions --locked --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
[ -x "$program" ] || { echo "the bench \`instructions\` was not built" >&2; exit 1; }

count() { # WORK SET
  RECURRA_ISA=$2 valgrind --tool=callgrind --toggle-collect='*measured*' --callgrind-out-file=/dev/null "$program" "$1" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

bounds=$here/bounds.txt
if [ "${1:-}" = --update ]; then
  new=$(mktemp)
  echo "# work, instruction set, most instructions: a tenth more than $(rustc --version | cut -d' ' -f1,2) made. benches/instructions/run.sh --update" >"$new"
fi
failed=0
printf '%-24s %-7s %14s %14s\n' work set counted bound
for work in $("$program"); do
  for set in $sets; do
    counted=$(count "$work" "$set")
    [ -n "$counted" ] && [ "$counted" -gt 0 ] || { echo "$work was not counted" >&2; exit 1; }
    if [ "${1:-}" = --update ]; then
      bound=$((counted + counted / 10))
      echo "$work $set $bound" >>"$new"
    else
      bound=$(awk -v w="$work" -v s="$set" '$1 == w && $2 == s { print $3 }' "$bounds")
      [ -n "$bound" ] || { echo "$work has no bound for $set: run with --update" >&2; exit 1; }
    fi
    mark=
    [ "$counted" -le "$bound" ] || { mark="  above its bound"; failed=1; }
    printf '%-24s %-7s %14d %14d%s\n' "$work" "$set" "$counted" "$bound" "$mark"
  done
done
if [ "${1:-}" = --update ]; then mv "$new" "$bounds"; chmod 644 "$bounds"; fi
exit $failed
