#!/usr/bin/env python3
"""Writes golden_rco.h: a student along its teacher's trajectory with greedily chosen anchors, from PyTorch in double.

Needs PyTorch, so it runs by hand: python3 golden_rco.py > golden_rco.h. Written from the paper's idea (Jin et al., RCO, ICCV
2019) and not from Switchyard's sources: train the teacher, keep it after every epoch; from the anchor at hand on, the next
is the furthest whose T^2 KL to the student as it is now is at most MOST; train the student against it, and so on until
the last. Perceptrons on one image a class, all in one batch, a step an epoch."""
import copy

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
CLASSES, PIXELS, EPOCHS, EPOCHS_OF_STAGE, RATE, MOMENTUM, T, MOST = 5, 48, 10, 20, 0.15, 0.9, 4.0, 0.12
IMAGES = torch.tensor([[((37 * i + 11 * c + i * c % 7) % 17 - 8) / 8 for i in range(PIXELS)] for c in range(CLASSES)])
LABELS = torch.arange(CLASSES)


def perceptron(hidden, seed):
    net = nn.Sequential(nn.Linear(PIXELS, hidden), nn.ReLU(), nn.Linear(hidden, CLASSES))
    for place, parameter in enumerate(net.parameters()):
        numbers = [((7 * i + 3 * place + seed) % 17 - 8) / 40 for i in range(parameter.numel())]
        parameter.data = torch.tensor(numbers, dtype=torch.float32).to(torch.float64).reshape(parameter.shape)
    return net


def soft_loss(teacher, student):
    with torch.no_grad():
        taught = teacher(IMAGES) / T
    q, log_q = F.softmax(taught, 1), F.log_softmax(taught, 1)
    return T * T * (q * (log_q - F.log_softmax(student(IMAGES) / T, 1))).sum(1).mean()


def descend(net, loss, epochs):
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)
    for _ in range(epochs):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        yield value.item()


teacher, student, trajectory, losses = perceptron(6, 1), perceptron(4, 2), [], []
for value in descend(teacher, lambda: F.cross_entropy(teacher(IMAGES), LABELS), EPOCHS):
    losses.append(value)
    trajectory.append(copy.deepcopy(teacher))
print("/* golden_rco.h - written by golden_rco.py with PyTorch; do not edit. */\n\n/* clang-format off */")
print(f"enum {{ RCO_EPOCHS = {EPOCHS}, RCO_STEPS = {EPOCHS_OF_STAGE} }};")
print(f"static const double rco_most = {MOST}, rco_rate = {RATE};")
print("static const double rco_teacher[RCO_EPOCHS] = {" + ", ".join(f"{v:.12g}" for v in losses) + "};")
print("/* The anchor at hand (0: none), how far those after it are, the one that is chosen, and the steps against it. */")
print("static const struct rco_halt {\n    int after, chosen;\n    double far[RCO_EPOCHS], losses[RCO_STEPS];\n} rco_halts[] = {")
after = 0
while after < EPOCHS:
    far = [soft_loss(trajectory[e], student).item() for e in range(after, EPOCHS)]
    chosen = max([after + 1] + [after + 1 + i for i, v in enumerate(far) if v <= MOST])
    anchor = trajectory[chosen - 1]
    steps = list(descend(student, lambda: 0.1 * F.cross_entropy(student(IMAGES), LABELS) + 0.9 * soft_loss(anchor, student),
                         EPOCHS_OF_STAGE))
    row = [", ".join(f"{v:.12g}" for v in some) for some in (far, steps)]
    print(f"    {{{after}, {chosen}, {{{row[0]}}},\n     {{{row[1]}}}}},")
    after = chosen
print("};\n/* clang-format on */")
