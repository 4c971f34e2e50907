#!/usr/bin/python3
"""Writes golden_crd.h: contrastive representation distillation over ten steps, as PyTorch computes it in float64.

Run with any PyTorch from 1.10 on: python3 golden_crd.py > golden_crd.h. Twelve samples of three classes, four each, and
eight negatives: with all samples of the other classes drawn, there is nothing random. What is trained are the embeddings
before normalisation themselves, one for each sample and side."""
import torch
import torch.nn.functional as F

LABELS = [0, 1, 2, 2, 1, 0, 1, 2, 0, 0, 2, 1]
SAMPLES, DIM, BATCH, STEPS = 12, 4, 4, 10
NEGATIVES, TEMPERATURE, MOMENTUM, EPS, LR = 8, 0.07, 0.5, 1e-7, 0.05


def numbers(count, seed):
    state, out = seed, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(((state >> 8) % 385 - 192) / 256)
    return torch.tensor(out, dtype=torch.float64)


def text(values):
    return "{" + ", ".join(f"{v:.17g}" for v in values) + "}"


def contrast(memory, e, rows, z):
    out = torch.exp(torch.einsum("bkd,bd->bk", memory[rows], e) / TEMPERATURE)
    if z is None:
        z = out.mean().item() * SAMPLES
    out = out / z
    noise = NEGATIVES / SAMPLES
    first = torch.log(out[:, 0] / (out[:, 0] + noise + EPS))
    others = torch.log(noise / (out[:, 1:] + noise + EPS))
    return -(first.sum() + others.sum()) / len(e), z


raw = [numbers(SAMPLES * DIM, seed).view(SAMPLES, DIM).requires_grad_() for seed in (11, 12)]
memory = [numbers(SAMPLES * DIM, seed).view(SAMPLES, DIM) for seed in (13, 14)]
print("/* golden_crd.h - written by golden_crd.py with PyTorch in float64; not edited by hand. */")
print("#ifndef TEST_METHODS_GOLDEN_CRD_H\n#define TEST_METHODS_GOLDEN_CRD_H\n\n/* clang-format off */")
print(f"enum {{ CRD_DIM = {DIM}, CRD_BATCH = {BATCH}, CRD_STEPS = {STEPS}, CRD_NEGATIVES = {NEGATIVES}, "
      f"CRD_COUNT = {SAMPLES * DIM} }};")
print(f"static const double crd_lr = {LR};")
print("/* student, teacher: what is trained, and the memories at the start */")
print("static const float crd_start[2][CRD_COUNT] = {" + ", ".join(text(r.flatten().tolist()) for r in raw) + "};")
print("static const float crd_memory[2][CRD_COUNT] = {" + ", ".join(text(m.flatten().tolist()) for m in memory) + "};")
z, values, gradients, batches = [None, None], [], None, []
for step in range(STEPS):
    batch = [(5 * (step * BATCH + b) + step // 3) % SAMPLES for b in range(BATCH)]
    rows = torch.tensor([[i] + [k for k in range(SAMPLES) if LABELS[k] != LABELS[i]] for i in batch])
    e = [F.normalize(r[batch]) for r in raw]
    for one in e:
        one.retain_grad()
    student, z[0] = contrast(memory[1], e[0], rows, z[0])
    teacher, z[1] = contrast(memory[0], e[1], rows, z[1])
    for r in raw:
        r.grad = None
    (student + teacher).backward()
    batches.append(batch)
    values.append((student + teacher).item())
    gradients = gradients or [one.grad.flatten().tolist() for one in e]
    with torch.no_grad():
        for side in range(2):
            memory[side][batch] = F.normalize(MOMENTUM * memory[side][batch] + (1 - MOMENTUM) * e[side])
            raw[side] -= LR * raw[side].grad
print("static const int64_t crd_batches[CRD_STEPS][CRD_BATCH] = {" + ", ".join(text(b) for b in batches) + "};")
print(f"static const double crd_values[CRD_STEPS] = {text(values)};")
print(f"static const double crd_z[2] = {text(z)};")
print("/* of the first step, to the embeddings of the batch */")
print("static const double crd_gradients[2][CRD_BATCH * CRD_DIM] = {" + ", ".join(text(g) for g in gradients) + "};")
print("static const double crd_end[2][CRD_COUNT] = {" + ", ".join(text(r.flatten().tolist()) for r in raw) + "};")
print("static const double crd_memory_end[2][CRD_COUNT] = {" +
      ", ".join(text(m.flatten().tolist()) for m in memory) + "};")
print("/* clang-format on */\n\n#endif")
