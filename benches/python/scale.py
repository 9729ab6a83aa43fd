"""Many puzzles on Ray and on Spark, with workers and drivers that are killed: is every puzzle answered exactly once, and how fast?

    pip install recurra[ray,spark]
    python benches/python/scale.py --json scale.json        # 100,000 puzzles on Ray, 10,000 on Spark
    python benches/python/scale.py --puzzles 5000 --only ray
    python benches/python/scale.py --puzzles 8000 --size 9 --only speed   # of a model that thinks for milliseconds

`speed`: two plain processes and two Ray workers answer the same puzzles in turn; medians of their times, and of the ratios in each
round. `ray` and `spark`: a worker is killed at about a third of the puzzles and the driver at about two thirds, both by SIGKILL; a second
driver goes on. Needs Linux, where processes are found by /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import recurra

MODELS = Path(__file__).resolve().parents[2] / "models"
# This program begins itself anew for each engine, and tells it these.
BATCH = int(os.environ.get("SCALE_BATCH", "256"))
SIZE = int(os.environ.get("SCALE_SIZE", "4"))
MODEL = MODELS / ("sudoku4.safetensors" if SIZE == 4 else "sudoku.safetensors")
OPTIONS = {"restarts": 8}
FILES = 16
"""The puzzles lie in so many files, as large tables do."""


def make(folder: Path, count: int) -> None:
    puzzles = recurra.tasks.sudoku.generate(count, SIZE, seed=3)
    columns = {"id": range(count), "question": [p.question for p in puzzles], "expected": [p.answer for p in puzzles]}
    table, share = pa.table(columns), -(-count // FILES)
    folder.mkdir()
    for i in range(FILES):
        pq.write_table(table.slice(i * share, share), folder / f"{i:02}.parquet")


def check(output: Path, count: int) -> dict[str, object]:
    """Every id once, with the right answer."""
    table = pq.read_table(output).sort_by("id")
    ids = table["id"].to_pylist()
    missing, twice = count - len(set(ids)), len(ids) - len(set(ids))
    wrong = sum(a != b for a, b in zip(table["answer"].to_pylist(), table["expected"].to_pylist()))
    if missing or twice or ids != list(range(count)):
        raise SystemExit(f"{output}: expected every puzzle once, found {missing} missing and {twice} twice")
    return {"answered": len(ids), "missing": missing, "twice": twice, "other_than_expected": wrong}


def plain(puzzles: str, output: str, part: int) -> None:
    """One of two plain processes: every other file."""
    model = recurra.Model.from_pretrained(MODEL, threads=1)
    Path(output).mkdir(exist_ok=True)
    for file in sorted(Path(puzzles).iterdir())[part::2]:
        table = pq.read_table(file)
        for i in range(0, len(table), BATCH):
            batch = table.slice(i, BATCH)
            answers = model.solve(batch["question"].to_pylist(), **OPTIONS).to_arrow()
            for name in ("answer", "verified", "steps"):
                batch = batch.append_column(name, answers[name])
            pq.write_table(batch, f"{output}/{file.stem}-{i}.parquet")


def on_ray(puzzles: str, output: str) -> None:
    import ray

    import recurra.ray

    # Two for the workers, one for reading.
    ray.init("local", num_cpus=3, include_dashboard=False, log_to_driver=False)
    started = time.perf_counter()
    dataset = ray.data.read_parquet(puzzles)
    recurra.ray.solve(dataset, MODEL, id_column="id", output=output, workers=2, batch_size=BATCH, **OPTIONS)
    print(json.dumps({"seconds": time.perf_counter() - started}))


def on_spark(puzzles: str, output: str) -> None:
    from pyspark.sql import SparkSession

    import recurra.spark

    os.environ["PYSPARK_PYTHON"] = sys.executable
    # A local master runs a task once unless it is told how often it may fail.
    builder = SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH)).getOrCreate()
    spark.sparkContext.setLogLevel("FATAL")
    started = time.perf_counter()
    frame = spark.read.parquet(puzzles)
    recurra.spark.solve(frame, MODEL, id_column="id", output=output, **OPTIONS)
    print(json.dumps({"seconds": time.perf_counter() - started}))
    spark.stop()


def begin(*words: object, log: Path) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *map(str, words)]
    with open(log, "a") as err:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True)


def end(process: subprocess.Popen[str], log: Path) -> str:
    out, _ = process.communicate()
    if process.returncode:
        last = "".join(log.read_text().splitlines(True)[-40:])
        raise SystemExit(f"{last}{process.args}: ended with {process.returncode}")
    return out


def below(root: int) -> list[tuple[int, str]]:
    """Processes below one, with their command lines."""
    parents, lines = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat, line = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
            lines[int(entry.name)] = line.replace(b"\0", b" ").decode(errors="replace").strip()
    found = []
    for pid in parents:
        above = pid
        while above in parents and above != root:
            above = parents[above]
        if above == root and pid != root:
            found.append((pid, lines[pid]))
    return found


def files(output: Path) -> int:
    return sum(1 for _ in output.glob("*.parquet")) if output.exists() else 0


def wait_for(process: subprocess.Popen[str], output: Path, count: int) -> None:
    while files(output) < count:
        if process.poll() is not None:
            raise SystemExit(f"{process.args}: ended after {files(output)} batches, before it could be killed")
        time.sleep(0.05)


def killed(engine: str, worker: str, puzzles: Path, output: Path, count: int, log: Path) -> dict[str, object]:
    """Kills a worker, then the driver; a second driver ends the work."""
    batches, started = -(-count // BATCH), time.perf_counter()
    first = begin(engine, puzzles, output, log=log)
    wait_for(first, output, batches // 3)
    workers = [pid for pid, line in below(first.pid) if worker in line]
    if not workers:
        raise SystemExit(f"{engine}: expected a worker, found none among {below(first.pid)}")
    # Of Spark's, the last: the first is the one that the others are forked from.
    os.kill(workers[-1], signal.SIGKILL)
    at_worker = files(output)
    wait_for(first, output, batches * 2 // 3)
    rest = [pid for pid, _ in below(first.pid)]
    first.kill()
    first.wait()
    at_driver = files(output)
    # A machine that loses its driver loses what the driver started, too.
    for pid in rest:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    again = end(begin(engine, puzzles, output, log=log), log)
    found = check(output, count)
    return {
        "workers": len(workers), "batches": batches, "batches_when_worker_was_killed": at_worker,
        "batches_when_driver_was_killed": at_driver, "seconds_of_second_driver": json.loads(again.splitlines()[-1])["seconds"],
        "seconds": time.perf_counter() - started, **found,
    }  # fmt: skip


def speed(folder: Path, puzzles: Path, count: int, rounds: int, log: Path) -> dict[str, object]:
    seconds: dict[str, list[float]] = {"plain": [], "ray": [], "ray_with_start": []}
    for number in range(rounds):
        output = folder / f"plain-{number}"
        started = time.perf_counter()
        both = [begin("plain", puzzles, output, part, log=log) for part in range(2)]
        for process in both:
            end(process, log)
        seconds["plain"].append(time.perf_counter() - started)
        check(output, count)
        output, started = folder / f"ray-{number}", time.perf_counter()
        out = end(begin("ray", puzzles, output, log=log), log)
        seconds["ray_with_start"].append(time.perf_counter() - started)
        seconds["ray"].append(json.loads(out.splitlines()[-1])["seconds"])
        check(output, count)
    medians = {f"seconds_{name}": statistics.median(values) for name, values in seconds.items()}
    ratio = statistics.median(p / r for p, r in zip(seconds["plain"], seconds["ray"]))
    return {"rounds": rounds, **medians, "throughput_of_two_plain_processes": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--puzzles", type=int, default=100_000)
    parser.add_argument("--spark-puzzles", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=4, help="digits in a row: 4 (models/sudoku4), or another (models/sudoku)")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=["ray", "spark", "speed"], default=["speed", "ray", "spark"])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    global SIZE, BATCH
    SIZE, BATCH = args.size, args.batch
    os.environ.update(SCALE_SIZE=str(SIZE), SCALE_BATCH=str(BATCH))
    found: dict[str, object] = {"cores": os.cpu_count(), "size": args.size, "batch": args.batch, "puzzles": args.puzzles, "spark_puzzles": args.spark_puzzles}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        make(folder / "puzzles", args.puzzles)
        make(folder / "fewer", args.spark_puzzles)
        for part in args.only:
            if part == "speed":
                found[part] = speed(folder, folder / "puzzles", args.puzzles, args.rounds, log)
            elif part == "ray":
                found[part] = killed("ray", "_Solver", folder / "puzzles", folder / "ray", args.puzzles, log)
            else:
                found[part] = killed("spark", "pyspark.daemon", folder / "fewer", folder / "spark", args.spark_puzzles, log)
            print(part, json.dumps(found[part], indent=2), flush=True)
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    parts = {"plain": lambda p, o, n: plain(p, o, int(n)), "ray": on_ray, "spark": on_spark}
    if len(sys.argv) > 1 and sys.argv[1] in parts:
        parts[sys.argv[1]](*sys.argv[2:])
    else:
        main()
