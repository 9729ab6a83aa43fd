"""The reference implementation: its checkpoints, data sets, evaluation, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import PUZZLE, REFERENCE, ROOT, SUDOKU4

import recurra

GOLDEN = sorted(path.name for path in REFERENCE.iterdir() if path.is_dir())


def tensors(path):
    safetensors = pytest.importorskip("safetensors.numpy")
    return safetensors.load_file(path)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_outputs(name):
    folder = REFERENCE / name
    model = recurra.import_checkpoint(folder / "model.safetensors", threads=2)
    golden = tensors(folder / "forward.safetensors")
    inputs, identifiers = golden["inputs"], golden["puzzle_identifiers"]
    steps = sum(key.startswith("logits.") for key in golden)
    for row, identifier in zip(range(len(inputs)), identifiers):
        trace = model.trace(inputs[row], steps=steps, identifier=int(identifier))
        for step in range(steps):
            np.testing.assert_allclose(trace.logits[step], golden[f"logits.{step}"][row], atol=1e-5)
            np.testing.assert_allclose(trace.halt[step], golden[f"q_logits.{step}"][row], atol=1e-5)
    prediction = model.predict(inputs, identifiers, steps=steps)
    assert (prediction.tokens == golden[f"logits.{steps - 1}"].argmax(2)).all()
    np.testing.assert_allclose(prediction.halt, golden[f"q_logits.{steps - 1}"], atol=1e-5)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_way_back(name, tmp_path):
    folder = REFERENCE / name
    model = recurra.import_checkpoint(folder / "model.safetensors")
    ours, theirs = model.state_dict("_orig_mod.model.inner."), tensors(folder / "model.safetensors")
    assert ours.keys() == theirs.keys()
    for key, array in theirs.items():
        assert ours[key].shape == array.shape, key
        np.testing.assert_array_equal(ours[key], array)
    pytest.importorskip("torch")
    path = model.export_checkpoint(tmp_path, "step_7")
    again = recurra.import_checkpoint(path)
    assert again.info["id"] == model.info["id"] and again.info["architecture"] == model.info["architecture"]


def test_torch_checkpoints_and_messages(tmp_path):
    folder = REFERENCE / "att_rope"
    a = recurra.import_checkpoint(folder / "checkpoint.pt")
    assert a.info["id"] == recurra.import_checkpoint(folder / "model.safetensors").info["id"]
    with pytest.raises(recurra.ModelError, match="expected all_config.yaml or config.yaml beside it"):
        recurra.import_checkpoint(SUDOKU4)
    with pytest.raises(FileNotFoundError, match="step_1"):
        recurra.import_checkpoint(tmp_path / "step_1", folder / "config.yaml")
    with pytest.raises(recurra.ModelError, match="configuration field `vocab_size`"):
        recurra.import_checkpoint(SUDOKU4, folder / "config.yaml")
    with pytest.raises(recurra.RecurraError, match="needs 16 places"):
        recurra.import_checkpoint(folder / "model.safetensors", task=recurra.tasks.sudoku.task(4))


def test_the_evaluation_loop_in_five_lines(model):
    data = recurra.load_data(ROOT / "tests" / "data" / "npy" / "sudoku4", split="test")
    prediction = model.predict(data.inputs, data.identifiers, steps=16)
    exact = data.exact(prediction.tokens).mean()
    cells = (prediction.tokens == data.labels)[data.labels >= 0].mean()
    halted = (prediction.halt[:, 0] > 0).mean()

    solved = model.solve(data.inputs, stop="none", max_steps=16)
    assert (solved.tokens == prediction.tokens).all()
    assert len(data) > 0 and exact == cells == halted == 1.0
    with pytest.raises(recurra.DataError, match="tokens: expected shape"):
        data.exact(prediction.tokens[:1, :3])


def test_data_of_a_text(tmp_path):
    file = tmp_path / "puzzles.csv"
    file.write_text(f"question,answer\n{PUZZLE},1342243142133124\nnonsense,1\n{PUZZLE},1342243142133124\n")
    data = recurra.load_data(file, recurra.tasks.sudoku.task(4))
    assert len(data) == 2 and data.lines.tolist() == [2, 4]
    assert [line for line, _ in data.refused] == [3] and "expected" in data.refused[0][1]
    with pytest.raises(recurra.ModelError, match="expected a folder with `dataset.json`"):
        recurra.load_data(file)
    with pytest.raises(recurra.UsageError, match="split: expected train or test"):
        recurra.load_data(file, split="val")


def test_architectures_that_the_reference_lacks():
    groups = recurra.Model.from_pretrained(ROOT / "models" / "sudoku.safetensors")
    with pytest.raises(recurra.ModelError, match="mixer: the reference's code has mlp and attention only, this model constraints"):
        groups.reference_config()
