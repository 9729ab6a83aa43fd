"""Threads, processes and signals."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from conftest import MODELS, PUZZLE, SOLUTION, SUDOKU4

import recurra


def test_eight_threads_give_the_same_answers(model, puzzles):
    questions = [puzzle.question for puzzle in puzzles]
    expected = model.solve(questions, restarts=2)
    array = model.task.encode(questions)
    begin = threading.Barrier(8)

    def work(number):
        begin.wait()
        # Shared: texts, arrays and traces at once, on one model.
        if number % 2:
            results = model.solve(array, restarts=2)
        else:
            results = model.solve(questions, restarts=2)
        one = model.ask(questions[number], restarts=2).answer
        last = model.trace(questions[number], steps=4).answers[-1]
        return results.answers, results.steps.tolist(), results.halt.tolist(), one, last

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(work, range(8)))
    for number, (answers, steps, halt, one, last) in enumerate(seen):
        assert (answers, steps, halt) == (expected.answers, expected.steps.tolist(), expected.halt.tolist())
        assert one == expected.answers[number]
        assert last == model.trace(questions[number], steps=4).answers[-1]


def test_racing_first_questions():
    # What is made with the first question is made once, whoever comes first.
    for _ in range(20):
        fresh = recurra.Model.from_pretrained(SUDOKU4, threads=2)
        begin = threading.Barrier(8)

        def work(_, fresh=fresh, begin=begin):
            begin.wait()
            return fresh.ask(PUZZLE).answer, fresh.predict(np.full((1, 16), 2), steps=1).tokens.shape, fresh.info["id"]

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(work, range(8))) == {(SOLUTION, (1, 16), fresh.info["id"])}


def test_other_threads_run_meanwhile(model):
    # A thread that holds the interpreter would never let this one count, and the other would never be told to stop.
    thinking = threading.Event()
    stopped = threading.Event()
    seen = []

    def think():
        thinking.set()
        # Much more than can be done before it is told to stop.
        seen.append(model.solve([PUZZLE] * 200, stop="none", max_steps=50).steps.sum())
        stopped.set()

    thread = threading.Thread(target=think)
    thread.start()
    thinking.wait()
    count = 0
    while not stopped.is_set():
        count += 1
    thread.join()
    assert seen == [200 * 50] and count > 1000


CTRL_C = """
import os, signal, sys, threading
import numpy as np, recurra
model = recurra.Model.from_pretrained(sys.argv[1], threads=2)
puzzle = sys.argv[3]
# Without an end: only Ctrl-C ends it.
works = {
    "solve": lambda: model.solve([puzzle] * 10_000, stop="none", max_steps=1_000_000),
    "ask": lambda: model.ask(puzzle, stop="none", max_steps=1_000_000_000),
    "predict": lambda: model.predict(np.full((4, 16), 2), steps=1_000_000_000),
    "trace": lambda: model.trace(puzzle, steps=3, until_verified=False) and model.ask(puzzle, stop="none", max_steps=1_000_000_000),
    "train": lambda: recurra.train(sys.argv[4], task="sudoku", size=4, steps=1_000_000_000, hidden=32, pool=50, threads=1),
    "generate": lambda: recurra.tasks.sudoku.generate(10_000_000, 16),
}
try:
    print("ready", flush=True)
    works[sys.argv[2]]()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    # And the model is as good as before.
    print(model.ask(puzzle).answer, flush=True)
"""


@pytest.mark.parametrize("work", ["solve", "ask", "predict", "trace", "train", "generate"])
def test_ctrl_c(work, tmp_path):
    output = tmp_path / "model.safetensors"
    child = subprocess.Popen(
        [sys.executable, "-c", CTRL_C, SUDOKU4, work, PUZZLE, output],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    assert child.stdout.readline() == "ready\n"
    # However early it comes: before the work, the interpreter raises by itself.
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=120)
    assert out.splitlines() == ["interrupted", SOLUTION], (out, err)


def test_a_fork_is_detected(model):
    recurra.Model.from_pretrained(SUDOKU4)
    model.ask(PUZZLE)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            model.ask(PUZZLE)
            told = "nothing"
        except recurra.ForkError as error:
            told = str(error)
        # A model that is opened here works.
        told += "|" + recurra.Model.from_pretrained(SUDOKU4, threads=2).ask(PUZZLE).answer
        os.write(writer, told.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    message, answer = told.split("|")
    assert f"was opened in process {os.getpid()}" in message and "spawn" in message
    assert answer == SOLUTION


def _ask(model, question):
    return model.ask(question).answer


def test_processes_get_the_model_by_its_path(model, puzzles):
    questions = [puzzle.question for puzzle in puzzles[:8]]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        answers = list(pool.map(_ask, [model] * 8, questions))
    assert answers == [puzzle.answer for puzzle in puzzles[:8]]


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="an interpreter with a global lock")
def test_the_global_lock_stays_off():
    assert not sys._is_gil_enabled()


def test_models_of_several_kinds_at_once(puzzles):
    models = [recurra.Model.from_pretrained(MODELS / name, threads=1) for name in ("sudoku4.safetensors", "sudoku.safetensors")]
    models[1] = models[1].for_task(recurra.tasks.sudoku.task(4))
    questions = [puzzle.question for puzzle in puzzles[:60]]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: models[number % 2].solve(questions, restarts=8).answers, range(8)))
    assert all(found == [puzzle.answer for puzzle in puzzles[:60]] for found in answers)
