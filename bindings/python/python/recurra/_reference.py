"""Where models come from and go to: files, the hub, and the reference implementation's form."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recurra._errors import ModelError, UsageError

if TYPE_CHECKING:
    from recurra._model import Model

PREFIX = "_orig_mod.model.inner."
"""What the reference's training puts before the names of its weights."""

ARCHITECTURE = "recursive_reasoning.trm@TinyRecursiveReasoningModel_ACTV1"


def find_file(path_or_id: str | os.PathLike[str], revision: str | None, name: str) -> Path:
    """The file of a model: a path, the one in a folder, or one from the hub."""
    path = Path(path_or_id)
    if path.is_dir():
        if (path / name).is_file():
            return path / name
        found = sorted(path.glob("*.safetensors"))
        if len(found) == 1:
            return found[0]
        raise ModelError(f"{path}: expected {name}, or one other model file; found {len(found)}")
    # An id has an owner, a name and nothing that only a path has.
    parts = os.fspath(path_or_id).split("/")
    is_id = 2 <= len(parts) <= 3 and all(re.fullmatch(r"[\w][\w.-]*", part) for part in parts)
    if path.exists() or not is_id or (len(parts) == 2 and parts[1].endswith(".safetensors")):
        if revision is not None:
            raise UsageError(f"revision: expected a name on the hub with it, found the path {path}")
        return path
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        text = f"{path_or_id}: no such file; to look on the hub, expected the extra: pip install recurra[hub]"
        raise FileNotFoundError(text) from error
    file = parts[2] if len(parts) == 3 else name
    return Path(hf_hub_download("/".join(parts[:2]), file, revision=revision))


def config(architecture: dict[str, Any]) -> dict[str, Any]:
    """The `arch` keys of an architecture, where the reference has it."""

    def refuse(what: str, expected: str, found: object) -> None:
        raise ModelError(f"{what}: the reference's code has {expected} only, this model {found}")

    mixer, positions = architecture["mixer"], architecture["positions"]
    if mixer not in ("mlp", "attention"):
        refuse("mixer", "mlp and attention", mixer)
    if not isinstance(positions, str):
        refuse("positions", "rotary, learned and none", positions)
    if architecture.get("swiglu_multiple", 256) != 256:
        refuse("swiglu_multiple", "256", architecture["swiglu_multiple"])
    # The reference reads a length of 0 as the least that holds the vector.
    length = architecture["puzzle_emb_len"] if architecture["puzzle_emb_ndim"] else 0
    return {
        "name": ARCHITECTURE,
        "hidden_size": architecture["hidden_size"],
        "num_heads": architecture["num_heads"],
        "expansion": architecture["expansion"],
        "H_cycles": architecture["h_cycles"],
        "L_cycles": architecture["l_cycles"],
        "H_layers": 0,
        "L_layers": architecture["num_layers"],
        "mlp_t": mixer == "mlp",
        "pos_encodings": {"rotary": "rope"}.get(positions, positions),
        "puzzle_emb_ndim": architecture["puzzle_emb_ndim"],
        "puzzle_emb_len": length,
        "halt_max_steps": architecture["halt_max_steps"],
        "halt_exploration_prob": 0.1,
        "rms_norm_eps": architecture["rms_norm_eps"],
        "rope_theta": architecture["rope_theta"],
        "no_ACT_continue": True,
        "forward_dtype": "float32",
        "vocab_size": architecture["vocab_size"],
        "seq_len": architecture["seq_len"],
        "num_puzzle_identifiers": architecture["num_puzzle_identifiers"],
    }


def export(model: Model, folder: Path, name: str) -> Path:
    """Writes a checkpoint in the reference's form."""
    import torch

    arch = model.reference_config()
    data = {key: arch.pop(key) for key in ("vocab_size", "seq_len", "num_puzzle_identifiers")}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    torch.save(model.to_torch(PREFIX), path)
    lines = [f"{key}: {value}" for key, value in data.items()]
    lines += ["arch:"] + [f"  {key}: {_yaml(value)}" for key, value in arch.items()]
    (folder / "all_config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # YAML takes 1e-05 for a text.
    return f"{value:.12f}".rstrip("0") if isinstance(value, float) and "e" in repr(value) else str(value)
