"""A Recurra model file, and the same model in PyTorch.

docs/model.md says what the model computes; the comparison holds this file to `recurra trace`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

CONFIG_KEY = "recurra.config"


@dataclass(frozen=True)
class Config:
    """The architecture; the names of the file."""

    vocab_size: int
    seq_len: int
    hidden_size: int
    num_heads: int
    expansion: float
    num_layers: int
    h_cycles: int
    l_cycles: int
    mixer: str
    positions: str
    puzzle_emb_ndim: int
    puzzle_emb_len: int
    num_puzzle_identifiers: int
    halt_max_steps: int
    rms_norm_eps: float
    rope_theta: float

    @property
    def length(self) -> int:
        """Positions of the latent state."""
        return self.puzzle_emb_len + self.seq_len

    def swiglu_width(self, inputs: int) -> int:
        return -(-round(self.expansion * inputs * 2 / 3) // 256) * 256

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all tensors."""
        d, length, vocab = self.hidden_size, self.length, self.vocab_size
        shapes: dict[str, tuple[int, ...]] = {
            "embed_tokens.embedding_weight": (vocab, d),
            "lm_head.weight": (vocab, d),
            "q_head.weight": (2, d),
            "q_head.bias": (2,),
            "H_init": (d,),
            "L_init": (d,),
        }
        if self.puzzle_emb_ndim:
            shapes["puzzle_emb.weights"] = (self.num_puzzle_identifiers, self.puzzle_emb_ndim)
        if self.positions == "learned":
            shapes["embed_pos.embedding_weight"] = (length, d)
        for i in range(self.num_layers):
            layer = f"L_level.layers.{i}"
            swiglus = [("mlp", d)]
            if self.mixer == "mlp":
                swiglus.append(("mlp_t", length))
            else:
                shapes[f"{layer}.self_attn.qkv_proj.weight"] = (3 * d, d)
                shapes[f"{layer}.self_attn.o_proj.weight"] = (d, d)
            for name, inputs in swiglus:
                width = self.swiglu_width(inputs)
                shapes[f"{layer}.{name}.gate_up_proj.weight"] = (2 * width, inputs)
                shapes[f"{layer}.{name}.down_proj.weight"] = (inputs, width)
        return shapes


SUDOKU = Config(
    vocab_size=11,
    seq_len=81,
    hidden_size=512,
    num_heads=8,
    expansion=4.0,
    num_layers=2,
    h_cycles=3,
    l_cycles=6,
    mixer="mlp",
    positions="none",
    puzzle_emb_ndim=512,
    puzzle_emb_len=16,
    num_puzzle_identifiers=1,
    halt_max_steps=16,
    rms_norm_eps=1e-5,
    rope_theta=10000.0,
)
"""The authors' Sudoku model."""

TINY = Config(
    **vars(SUDOKU)
    | {"hidden_size": 32, "seq_len": 16, "num_layers": 1, "h_cycles": 1, "l_cycles": 1}
    | {"puzzle_emb_ndim": 32, "puzzle_emb_len": 4}
)
"""For a quick check that everything works."""


def save_random(config: Config, path: Path) -> None:
    """A model of random weights, halved: as they are, an MLP mixer is chaotic and no two programs would agree."""
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in config.shapes().items():
        scale = 1.0 if name.endswith("_init") else 0.5 * shape[-1] ** -0.5
        tensors[name] = torch.randn(shape, generator=generator).clamp(-2, 2) * scale
    header = {"version": 1, "architecture": vars(config)}
    save_file(tensors, path, metadata={CONFIG_KEY: json.dumps(header)})


def load(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """The architecture and the tensors of a model file."""
    with safe_open(path, "pt") as file:
        header: dict[str, Any] = json.loads((file.metadata() or {})[CONFIG_KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if any(tensor.dtype != torch.float32 for tensor in tensors.values()):
        raise ValueError(f"{path}: expected a model in f32, which every contender gets its weights from")
    return Config(**header["architecture"]), tensors


def questions(config: Config, batch: int, seed: int = 1) -> Tensor:
    """Some questions, `[batch, seq_len]`; which tokens they are does not matter to the time."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(config.vocab_size, (batch, config.seq_len), generator=generator, dtype=torch.int32)


def embed(config: Config, weights: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Input embeddings `[batch, positions, hidden]`."""
    x = weights["embed_tokens.embedding_weight"][tokens.long()]
    if config.puzzle_emb_ndim:
        prefix = torch.zeros(config.puzzle_emb_len * config.hidden_size)
        prefix[: config.puzzle_emb_ndim] = weights["puzzle_emb.weights"][0]
        prefix = prefix.view(1, config.puzzle_emb_len, config.hidden_size)
        x = torch.cat([prefix.expand(len(x), -1, -1), x], dim=1)
    if config.positions == "learned":
        x = (x + weights["embed_pos.embedding_weight"]) * 0.5**0.5
    return x * config.hidden_size**0.5


def start(config: Config, weights: dict[str, Tensor], batch: int) -> tuple[Tensor, Tensor]:
    """z_H and z_L before the first step."""
    shape = (batch, config.length, config.hidden_size)
    h, l = (weights[name].expand(shape).contiguous() for name in ("H_init", "L_init"))
    return h, l


@dataclass(frozen=True)
class Form:
    """Ways to write the same network; which is the fastest depends on who runs it."""

    left: bool
    """An MLP mixer as products from the left, instead of products from the right between two transpositions."""
    apart: bool
    """Gate and up as two products, instead of one that is split."""

    @property
    def name(self) -> str:
        return ("left" if self.left else "right") + ("-apart" if self.apart else "")


def forms(config: Config) -> list[Form]:
    """All that differ for a model."""
    lefts = [False, True] if config.mixer == "mlp" else [False]
    return [Form(left, apart) for left in lefts for apart in (False, True)]


class SwiGlu(nn.Module):
    """On the last axis, or on the one before it."""

    def __init__(self, weights: dict[str, Tensor], name: str, left: bool, apart: bool):
        super().__init__()
        gate_up = weights[f"{name}.gate_up_proj.weight"]
        self.left = left
        self.first = nn.ParameterList(constant(part) for part in (gate_up.chunk(2) if apart else [gate_up]))
        self.down = constant(weights[f"{name}.down_proj.weight"])

    def product(self, x: Tensor, weight: Tensor) -> Tensor:
        return torch.matmul(weight, x) if self.left else functional.linear(x, weight)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.product(x, weight) for weight in self.first]
        gate, up = parts if len(parts) == 2 else parts[0].chunk(2, dim=-2 if self.left else -1)
        return self.product(functional.silu(gate) * up, self.down)


class Attention(nn.Module):
    """Not causal, rotary by halves."""

    def __init__(self, config: Config, weights: dict[str, Tensor], name: str):
        super().__init__()
        self.heads = config.num_heads
        self.qkv = constant(weights[f"{name}.qkv_proj.weight"])
        self.o = constant(weights[f"{name}.o_proj.weight"])
        dim = config.hidden_size // config.num_heads
        frequencies = 1.0 / config.rope_theta ** (torch.arange(0, dim, 2) / dim)
        angles = torch.outer(torch.arange(config.length).float(), frequencies).repeat(1, 2)
        self.rotary = config.positions == "rotary"
        self.cos, self.sin = constant(angles.cos()), constant(angles.sin())

    def rotate(self, x: Tensor) -> Tensor:
        if not self.rotary:
            return x
        a, b = x.chunk(2, dim=-1)
        return x * self.cos + torch.cat([-b, a], dim=-1) * self.sin

    def forward(self, x: Tensor) -> Tensor:
        batch, length, hidden = x.shape
        qkv = functional.linear(x, self.qkv).view(batch, length, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        out = functional.scaled_dot_product_attention(self.rotate(q), self.rotate(k), v)
        return functional.linear(out.transpose(1, 2).reshape(batch, length, hidden), self.o)


class Layer(nn.Module):
    """Mixes positions, then channels."""

    def __init__(self, config: Config, weights: dict[str, Tensor], name: str, form: Form):
        super().__init__()
        self.eps = config.rms_norm_eps
        self.mlp_mixer, self.left = config.mixer == "mlp", form.left
        if self.mlp_mixer:
            self.mix: nn.Module = SwiGlu(weights, f"{name}.mlp_t", form.left, form.apart)
        else:
            self.mix = Attention(config, weights, f"{name}.self_attn")
        self.mlp = SwiGlu(weights, f"{name}.mlp", False, form.apart)

    def norm(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, x.shape[-1:], eps=self.eps)

    def forward(self, h: Tensor) -> Tensor:
        if not self.mlp_mixer:
            h = self.norm(h + self.mix(h))
        elif self.left:
            # The norm after an MLP mixer runs along the positions.
            h = h + self.mix(h)
            h = h * torch.rsqrt((h * h).mean(-2, keepdim=True) + self.eps)
        else:
            h = h.transpose(1, 2)
            h = self.norm(h + self.mix(h)).transpose(1, 2)
        return self.norm(h + self.mlp(h))


def constant(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.clone(), requires_grad=False)


class Network(nn.Sequential):
    """All layers once."""

    def __init__(self, config: Config, weights: dict[str, Tensor], form: Form):
        names = [f"L_level.layers.{i}" for i in range(config.num_layers)]
        super().__init__(*(Layer(config, weights, name, form) for name in names))


def cycle(config: Config, network: Any, x: Tensor, z_h: Tensor, z_l: Tensor) -> tuple[Tensor, Tensor]:
    """z_H and z_L after one cycle."""
    context = z_h + x
    for _ in range(config.l_cycles):
        z_l = network(z_l + context)
    return network(z_h + z_l), z_l


def step(config: Config, network: Any, x: Tensor, z_h: Tensor, z_l: Tensor) -> Tensor:
    """z_H after one improvement step."""
    for _ in range(config.h_cycles):
        z_h, z_l = cycle(config, network, x, z_h, z_l)
    return z_h
