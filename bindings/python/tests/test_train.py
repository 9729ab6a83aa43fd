"""Training."""

from __future__ import annotations

import numpy
import pytest
from conftest import PUZZLE

import recurra

SMALL = {"task": "sudoku", "size": 4, "hidden": 32, "pool": 200, "threads": 1, "precision": "f32"}


def test_training_and_its_log(tmp_path):
    seen: list[recurra.Progress] = []
    training = recurra.train(tmp_path / "model.safetensors", steps=30, seed=1, callback=seen.append, **SMALL)
    assert training.finished and training.path == tmp_path / "model.safetensors"
    steps = [progress.step for progress in seen]
    assert sorted(set(steps)) == list(range(1, 31)) and steps == sorted(steps)
    assert seen[-1].held_out is not None and seen[0].samples * 30 == seen[-1].samples
    assert training.log[-1].step == 30 and training.log[-1].held_out == pytest.approx(seen[-1].held_out, abs=1e-6)
    assert training.model.ask(PUZZLE, max_steps=2).answer is not None
    frame = training.to_pandas() if pytest.importorskip("pandas") else None
    assert frame["step"].tolist() == [progress.step for progress in training.log]
    again = recurra.train(tmp_path / "again.safetensors", steps=30, seed=1, **SMALL)
    assert again.model.info["id"] == training.model.info["id"]


def test_a_callback_ends_it_and_it_goes_on(tmp_path):
    whole = recurra.train(tmp_path / "whole.safetensors", steps=12, **SMALL)
    path = tmp_path / "model.safetensors"
    begun = recurra.train(path, steps=12, callback=lambda progress: progress.step < 5, **SMALL)
    assert not begun.finished and begun.log[-1].step <= 5
    resumed = recurra.train(path, steps=12, resume=True, threads=1)
    assert resumed.finished and resumed.model.info["id"] == whole.model.info["id"]


def test_vectors_tell_their_callback(tmp_path):
    queries = numpy.random.default_rng(1).standard_normal((60, 8)).astype("float32")
    queries /= numpy.linalg.norm(queries, axis=1, keepdims=True)
    numpy.save(tmp_path / "queries.npy", queries)
    numpy.save(tmp_path / "answers.npy", numpy.roll(queries, 1, axis=1))
    flags = {"task": "vectors", "data": tmp_path, "hidden": 32, "steps": 12, "measure_every": 4, "threads": 1}
    seen: list[recurra.Progress] = []
    path = tmp_path / "model.safetensors"
    begun = recurra.train(path, callback=lambda progress: seen.append(progress) or progress.step < 5, **flags)
    assert not begun.finished
    assert [progress.step for progress in seen][:5] == [1, 2, 3, 4, 5] and seen[3].held_out is not None
    resumed = recurra.train(path, resume=True, threads=1, callback=seen.append)
    assert resumed.finished and seen[-1].step == 12 and resumed.log[-1].step == 12
    whole = recurra.train(tmp_path / "whole.safetensors", **flags)
    assert resumed.model.info["id"] == whole.model.info["id"]


def test_what_a_callback_raises(tmp_path):
    path = tmp_path / "model.safetensors"

    def callback(progress):
        if progress.step == 3:
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        recurra.train(path, steps=1000, callback=callback, **SMALL)
    # Its state was saved.
    assert recurra.train(path, steps=4, resume=True, threads=1).log[-1].step == 4


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"size": 5}, "task.size"),
        ({"hiden": 5}, "unexpected argument '--hiden'"),
        ({"batch": 0}, "invalid value '0' for '--batch"),
        ({"minutes": -1}, "--minutes: expected a positive number"),
        ({"data": object()}, "data: expected a text, a number, a path"),
        ({"task": "grid"}, "--task grid: expected --data"),
    ],
)
def test_messages_are_the_programs(tmp_path, flags, message):
    with pytest.raises(recurra.RecurraError, match=message):
        recurra.train(tmp_path / "model.safetensors", **flags)
    assert not list(tmp_path.glob("*.safetensors"))


def test_without_a_path():
    training = recurra.train(steps=2, **SMALL)
    assert training.path.exists() and training.model.task == recurra.tasks.sudoku.task(4)
