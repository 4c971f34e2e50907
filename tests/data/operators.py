#!/usr/bin/env python3
"""Writes operators.safetensors: single operators computed by PyTorch in float64, for tests/backends/test_operators.c.

  python3 tests/data/operators.py        (needs PyTorch; any version; operators.safetensors is what it wrote)

Per case, named as in tests/backends/cases.c: CASE/inputK, CASE/weight and CASE/bias where there are any, CASE/output,
CASE/dy, the gradient that arrives at the output, and CASE/d... for all of the former but the output.
"""
import json, os, struct
import torch, torch.nn as nn, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 3
torch.manual_seed(31)


def shuffle(x, groups):
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def up(*args, **more):
    return nn.ConvTranspose2d(*args, **more)


CASES = {
    "softmax": ([(21,)], lambda x: F.softmax(x, 1)),
    "softmax of a few": ([(3,)], lambda x: F.softmax(x, 1)),
    "multiply": ([(5, 7, 5)] * 2, torch.mul),
    "multiply by one channel": ([(19, 7, 5), (1, 7, 5)], torch.mul),
    "multiply by one feature": ([(19,), (1,)], torch.mul),
    "slice": ([(21, 7, 5)], lambda x: x[:, 3:20]),
    "slice a vector": ([(40,)], lambda x: x[:, 7:27]),
    "dot": ([(21,)] * 2, lambda a, b: (a * b).sum(1, keepdim=True)),
    "l2 normalize": ([(21,)], lambda x: F.normalize(x, dim=1)),
    "l2 normalize below eps": ([(6,)], lambda x: F.normalize(x, dim=1, eps=100)),
    "channel shuffle": ([(6, 7, 5)], lambda x: shuffle(x, 3)),
    "channel shuffle of many": ([(38, 7, 5)], lambda x: shuffle(x, 2)),
    "transposed conv2d 3x3": ([(5, 7, 5)], up(5, 6, 3, 1, 1)),
    "transposed conv2d 3x3 stride 2": ([(17, 4, 3)], up(17, 5, 3, 2, 1)),
    "transposed conv2d 4x4 stride 2": ([(3, 4, 3)], up(3, 18, 4, 2, 1, bias=False)),
    "transposed conv2d 2x2 stride 3 with gaps": ([(3, 4, 3)], up(3, 4, 2, 3)),
    "transposed conv2d in groups": ([(6, 4, 3)], up(6, 9, 3, 2, 1, groups=3)),
    "batch norm of a vector": ([(12,)], None),
    "transposed conv2d 3x3 stride 2 with output padding": ([(17, 4, 3)], up(17, 5, 3, 2, 1, 1)),
    "transposed conv2d in groups with output padding": ([(6, 4, 3)], up(6, 9, 2, 3, output_padding=2, groups=3, bias=False)),
}

out = {}
for name, (shapes, function) in CASES.items():
    if function is None:
        function = nn.BatchNorm1d(12, momentum=0.3)
        function.weight.data.uniform_(0.5, 1.5)
        function.bias.data.uniform_(-1, 1)
    # what crosses the border is float: round first, compute in double
    inputs = [torch.randn(BATCH, *s).float().double().requires_grad_() for s in shapes]
    params = {}
    if isinstance(function, nn.Module):
        function = function.float().double()
        params = dict(function.named_parameters())
    y = function(*inputs)
    dy = torch.randn_like(y).float().double()
    y.backward(dy)
    for k, x in enumerate(inputs):
        out[f"{name}/input{k}"], out[f"{name}/dinput{k}"] = x.detach(), x.grad
    for key, p in params.items():
        out[f"{name}/{key}"], out[f"{name}/d{key}"] = p.detach(), p.grad
    out[f"{name}/output"], out[f"{name}/dy"] = y.detach(), dy

header, blobs, at = {}, [], 0
for key, t in out.items():
    raw = t.float().contiguous().numpy().tobytes()
    header[key] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
    at += len(raw)
    blobs.append(raw)
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(HERE, "operators.safetensors"), "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
