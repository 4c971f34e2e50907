#!/usr/bin/python3
"""Writes golden.h: losses, gradients and switching measurements as PyTorch computes them in float64.

Run with any PyTorch from 1.10 on: python3 golden.py > golden.h. The inputs are multiples of 1/64, so that float holds
them exactly; they come from a fixed linear congruence, not from PyTorch, so that versions do not matter."""
import torch
import torch.nn.functional as F

BATCH, CLASSES, SOURCES = 3, 5, 2


def numbers(count, seed):
    state, out = seed, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(((state >> 8) % 385 - 192) / 64)
    return out


def text(values):
    return "{" + ", ".join(f"{v:.17g}" for v in values) + "}"


LOGITS = [numbers(BATCH * CLASSES, seed) for seed in (1, 2, 3)]
LABELS = [4, 0, 2]


def tensors():
    return [torch.tensor(row, dtype=torch.float64).view(BATCH, CLASSES).requires_grad_() for row in LOGITS]


def ce(z, smoothing):
    return F.cross_entropy(z[0], torch.tensor(LABELS), label_smoothing=smoothing)


def kl(z, n_sources, temperature, t_squared, reverse):
    soft = [F.log_softmax(one / temperature, dim=1) for one in z]
    total = 0
    for source in soft[1:1 + n_sources]:
        first, second = (soft[0], source) if reverse else (source, soft[0])
        total = total + F.kl_div(second, first, reduction="batchmean", log_target=True)
    return total * (temperature**2 if t_squared else 1)


def loss_row(name, settings, n_sources, value, z):
    value.backward()
    gradients = [(one.grad if one.grad is not None else torch.zeros_like(one)).flatten().tolist() for one in z]
    given = ", ".join(f'{{"{key}", {number:g}}}' for key, number in settings) or "{NULL, 0}"
    rows = ",\n      ".join(text(row) for row in gradients)
    print(f'    {{"{name}", {n_sources}, {{{given}}}, {value.item():.17g},\n     {{{rows}}}}},')


def measure_row(temperature):
    student, teacher = [one.detach() for one in tensors()[:2]]
    hot = F.one_hot(torch.tensor(LABELS), CLASSES).double()
    norm = lambda rows: rows.abs().sum(dim=1).mean()
    gap = norm(F.softmax(student / temperature, 1) - F.softmax(teacher / temperature, 1))
    s, t = norm(F.softmax(student, 1) - hot), norm(F.softmax(teacher, 1) - hot)
    by_sum, by_student = torch.exp(-t / (s + t)), torch.exp(-t / s)
    values = [temperature, gap, s, t, by_sum, s - by_sum * t, by_student, s - by_student * t]
    print(f"    {text([float(v) for v in values])},")


print("/* golden.h - written by golden.py with PyTorch in float64; not edited by hand. */")
print("#ifndef TEST_METHODS_GOLDEN_H\n#define TEST_METHODS_GOLDEN_H\n\n#include \"harness.h\"\n\n/* clang-format off */")
print(f"enum {{ GOLDEN_BATCH = {BATCH}, GOLDEN_CLASSES = {CLASSES}, GOLDEN_COUNT = {BATCH * CLASSES} }};\n")
print(f"static const int32_t golden_labels[GOLDEN_BATCH] = {text(LABELS)};")
print("/* target or student, first source or teacher, second source */")
print("static const float golden_logits[3][GOLDEN_COUNT] = {\n    " + ",\n    ".join(text(row) for row in LOGITS) + "};\n")
print("struct golden_loss {\n    const char *name;\n    int32_t n_sources;\n    struct setting settings[MAX_SETTINGS];")
print("    double value;\n    double gradient[3][GOLDEN_COUNT]; /* to the target and the sources */\n};\n")
print("static const struct golden_loss golden_losses[] = {")
for smoothing in (0, 0.1):
    z = tensors()
    loss_row("ce", [("label_smoothing", smoothing)], 0, ce(z, smoothing), z)
for n, temperature, squared, reverse in ((1, 1, 0, 0), (1, 4, 1, 0), (2, 3, 0, 0), (1, 1, 0, 1), (2, 2, 1, 1)):
    z = tensors()
    settings = [("temperature", temperature), ("t_squared", squared), ("direction", reverse)]
    loss_row("kl", settings, n, kl(z, n, temperature, squared, reverse), z)
print("};\n\n/* temperature of the gap; gap, s, t; epsilon and delta with denominator sum; with denominator student */")
print("static const double golden_measures[][8] = {")
for temperature in (1, 2, 0.5):
    measure_row(temperature)
print("};\n/* clang-format on */\n\n#endif")
