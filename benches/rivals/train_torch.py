"""One training step in PyTorch, timed: the network, losses and optimiser of docs/model.md and docs/training.md.

Arguments: a form (left or right), a precision (f32 or bf16), eager or compiled, threads, steps. Prints one JSON object.
"""

import json
import resource
import sys
import time

import torch
from torch.nn import functional

from model import Config, Form, Network, SUDOKU, cycle, embed, questions

COMPARISON = Config(
    **vars(SUDOKU)
    | {"vocab_size": 8, "seq_len": 36, "hidden_size": 128, "num_heads": 4}
    | {"puzzle_emb_ndim": 16 * 128, "puzzle_emb_len": 16}
)
BATCH = 128
WARM_UP = 2


def weights(config: Config) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    named = config.shapes().items()
    return {name: torch.randn(shape, generator=generator) * shape[-1] ** -0.5 for name, shape in named}


def stablemax_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    # In f32: the reference implementation takes f64 here, which costs more.
    logits = logits.float()
    s = torch.where(logits < 0, 1 / (1 - logits), logits + 1)
    return -(s / s.sum(-1, keepdim=True)).log().gather(-1, labels.unsqueeze(-1)).mean()


def main() -> None:
    form, precision, mode, threads, steps = sys.argv[1:]
    torch.set_num_threads(int(threads))
    config = COMPARISON
    tensors = weights(config)
    network: torch.nn.Module = Network(config, tensors, Form(form == "left", False))
    names = ["embed_tokens.embedding_weight", "lm_head.weight", "q_head.weight", "q_head.bias"]
    tables = {name: tensors[name].requires_grad_() for name in names}
    parameters = [p.requires_grad_() for p in network.parameters()]
    optimiser = torch.optim.AdamW([*parameters, *tables.values()], lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1)
    if mode == "compiled":
        network = torch.compile(network)
    shape = (BATCH, config.length, config.hidden_size)
    z_h, z_l = (tensors[name].expand(shape) for name in ("H_init", "L_init"))
    tokens = questions(config, BATCH)
    labels = questions(config, BATCH, seed=2).long()
    average = [p.detach().clone() for p in [*parameters, *tables.values()]]
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    began = (0.0, 0.0)
    for number in range(WARM_UP + int(steps)):
        if number == WARM_UP:
            began = (time.process_time(), time.perf_counter())
        with autocast:
            x = embed(config, {**tensors, **tables}, tokens)
            with torch.no_grad():
                # All cycles but the last.
                for _ in range(config.h_cycles - 1):
                    z_h, z_l = cycle(config, network, x, z_h, z_l)
            z_h, z_l = cycle(config, network, x, z_h, z_l)
            logits = functional.linear(z_h[:, config.puzzle_emb_len :], tables["lm_head.weight"])
            halt = functional.linear(z_h[:, 0], tables["q_head.weight"], tables["q_head.bias"])[:, 0]
        right = (logits.argmax(-1) == labels).all(-1).float()
        halting = functional.binary_cross_entropy_with_logits(halt.float(), right)
        (stablemax_loss(logits, labels) + 0.5 * halting).backward()
        torch.nn.utils.clip_grad_norm_([*parameters, *tables.values()], 1.0)
        optimiser.step()
        optimiser.zero_grad()
        torch._foreach_lerp_(average, [p.detach() for p in [*parameters, *tables.values()]], 0.005)
        z_h, z_l = z_h.detach(), z_l.detach()
    cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
    samples = BATCH * int(steps)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"cpu": samples / cpu, "wall": samples / wall, "memory": memory}))


if __name__ == "__main__":
    main()
