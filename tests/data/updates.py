#!/usr/bin/python3
"""Writes updates.safetensors: five updates of some numbers by torch.optim in float64, for tests/backends/test_updates.c.

  python3 tests/data/updates.py       (needs PyTorch; any version from 1.10 on)

start (N) and gradients (5, N) are multiples of 1/64, so that float holds them; the gradient of the fourth update is
taken as zero, whatever stands there. Then, per rule: RULE.rule (enum sy_update_rule of backend.h, lr, momentum, weight
decay, beta1, beta2, eps, nesterov), RULE.values (5, N) after each update, and RULE.slot0, RULE.slot1 (N), where PyTorch
has them, after the last.
"""
import json, os, struct
import torch

N, STEPS, ZERO = 37, 5, 3
SGD, ADAM, ADAMW = 1, 2, 3


def numbers(count, seed):
    state, out = seed, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(((state >> 8) % 385 - 192) / 64)
    return torch.tensor(out, dtype=torch.float64)


START, GRADIENTS = numbers(N, 5), numbers(STEPS * N, 6).view(STEPS, N)


def run(make):
    w = START.clone().requires_grad_()
    optimizer, values = make([w]), []
    for step in range(STEPS):
        w.grad = GRADIENTS[step] * (0 if step == ZERO else 1)
        optimizer.step()
        values.append(w.detach().clone())
    state = optimizer.state[w]
    slots = [state.get("momentum_buffer", state.get("exp_avg")), state.get("exp_avg_sq")]
    return torch.stack(values), slots


def sgd(lr, momentum=0.0, weight_decay=0.0, nesterov=False):
    make = lambda p: torch.optim.SGD(p, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)
    return [SGD, lr, momentum, weight_decay, 0, 0, 0, float(nesterov)], make


def adam(kind, lr, weight_decay=0.0, betas=(0.9, 0.999), eps=1e-8):
    one = torch.optim.Adam if kind == ADAM else torch.optim.AdamW
    make = lambda p: one(p, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
    return [kind, lr, 0, weight_decay, *betas, eps, 0], make


RULES = {
    "sgd": sgd(0.1),
    "sgd-decay": sgd(0.05, weight_decay=0.01),
    "momentum": sgd(0.1, momentum=0.9),
    "momentum-decay": sgd(0.1, momentum=0.9, weight_decay=5e-4),
    "nesterov": sgd(0.03, momentum=0.8, weight_decay=0.02, nesterov=True),
    "adam": adam(ADAM, 0.01),
    "adam-decay": adam(ADAM, 0.02, weight_decay=0.1, betas=(0.8, 0.99), eps=1e-3),
    "adamw": adam(ADAMW, 0.01, weight_decay=0.1),
    "adamw-slow": adam(ADAMW, 0.001, weight_decay=0.01, betas=(0.95, 0.9), eps=1e-6),
}


def main():
    out = {"start": START, "gradients": GRADIENTS}
    for name, (rule, make) in RULES.items():
        values, slots = run(make)
        out[f"{name}.rule"], out[f"{name}.values"] = torch.tensor(rule, dtype=torch.float64), values
        out.update({f"{name}.slot{i}": slot for i, slot in enumerate(slots) if slot is not None})
    header, blobs, at = {}, [], 0
    for key, t in out.items():
        raw = t.contiguous().numpy().tobytes()
        header[key] = {"dtype": "F64", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        blobs.append(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "updates.safetensors")
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


main()
