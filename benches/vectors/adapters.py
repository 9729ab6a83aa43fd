"""Adapters of a query's vector that do not think: a linear one, a low-rank one, and a perceptron with one hidden layer.

All give `normalised(initial + f(x))`, where x is a question's vectors one after the other, and f is 0 before training. The loss is
that of `recurra train --task vectors`: the right answer against those of the rest of the batch, with the same temperature.
"""

import numpy as np


def init(kind, inputs, d, weights, rng):
    """Matrices of f, with about so many weights where the kind leaves a choice."""
    if kind == "linear":
        return [np.zeros((inputs, d), np.float32), np.zeros(d, np.float32)]
    width = max(1, round(weights / (inputs + d)))
    first = (rng.standard_normal((inputs, width)) / np.sqrt(inputs)).astype(np.float32)
    return [first, np.zeros(width, np.float32), np.zeros((width, d), np.float32), np.zeros(d, np.float32)]


def forward(kind, params, x):
    if kind == "linear":
        return x @ params[0] + params[1], None
    hidden = x @ params[0] + params[1]
    if kind == "mlp":
        hidden = np.maximum(hidden, 0)
    return hidden @ params[2] + params[3], hidden


def moved(initial, delta):
    u = initial + delta
    length = np.linalg.norm(u, axis=1, keepdims=True)
    return u / length, length


def apply(kind, params, x, initial):
    return moved(initial, forward(kind, params, x)[0])[0]


def train(kind, x, initial, answers, ids, weights, steps, seed, batch=128, lr=3e-3, temperature=0.05, decay=0.02):
    """AdamW with a cosine; the moving average is what is returned."""
    rng = np.random.default_rng(seed)
    d = initial.shape[1]
    params = init(kind, x.shape[1], d, weights, rng)
    mean = [np.zeros_like(p) for p in params]
    square = [np.zeros_like(p) for p in params]
    average = [p.copy() for p in params]
    for step in range(steps):
        rows = rng.choice(len(x), batch, replace=False)
        bx, ba, bi = x[rows], answers[rows], ids[rows]
        delta, hidden = forward(kind, params, bx)
        y, length = moved(initial[rows], delta)
        scores = (y @ ba.T) / temperature
        # Another row with the same answer is no wrong one.
        scores[(bi[:, None] == bi[None, :]) & ~np.eye(batch, dtype=bool)] = -np.inf
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        dy = ((p - np.eye(batch, dtype=np.float32)) @ ba) / (temperature * batch)
        du = (dy - y * (y * dy).sum(axis=1, keepdims=True)) / length
        if kind == "linear":
            grads = [bx.T @ du, du.sum(axis=0)]
        else:
            dh = du @ params[2].T
            if kind == "mlp":
                dh *= hidden > 0
            grads = [bx.T @ dh, dh.sum(axis=0), hidden.T @ du, du.sum(axis=0)]
        rate = lr * min(1.0, (step + 1) / 50) * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * step / steps)))
        for i, g in enumerate(grads):
            mean[i] = 0.9 * mean[i] + 0.1 * g
            square[i] = 0.999 * square[i] + 0.001 * g * g
            m = mean[i] / (1 - 0.9 ** (step + 1))
            s = square[i] / (1 - 0.999 ** (step + 1))
            params[i] = params[i] - rate * (m / (np.sqrt(s) + 1e-8) + decay * params[i])
            average[i] = 0.99 * average[i] + 0.01 * params[i]
    return average
