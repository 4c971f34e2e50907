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


def js(z, n_sources, temperature, t_squared):
    p = [F.softmax(one / temperature, dim=1) for one in z]
    total = 0
    for q in p[1:1 + n_sources]:
        m = (p[0] + q) / 2
        total = total + ((p[0] * (p[0] / m).log()).sum(1) + (q * (q / m).log()).sum(1)).mean() / 2
    return total * (temperature**2 if t_squared else 1)


def peers(z, n_sources, temperature, t_squared, logits):
    some = z[1:1 + n_sources]
    if logits:
        q = F.softmax(torch.stack(some).mean(0) / temperature, dim=1)
    else:
        q = torch.stack([F.softmax(one / temperature, dim=1) for one in some]).mean(0)
    log_p = F.log_softmax(z[0] / temperature, dim=1)
    return (q * (q.log() - log_p)).sum(1).mean() * (temperature**2 if t_squared else 1)


def dkd(z, n_sources, temperature, alpha, beta, warmup):
    """The true class apart, then the others among themselves (the released code takes 1000 off the true class's logit, which
    is the same, but PyTorch has no gradient for a target that is exactly 0)."""
    hot = F.one_hot(torch.tensor(LABELS), CLASSES).double()
    total = 0
    for source in z[1:1 + n_sources]:
        two = []
        for one in (z[0], source):
            p = F.softmax(one / temperature, dim=1)
            two.append(torch.stack([(p * hot).sum(1), (p * (1 - hot)).sum(1)], dim=1))
        tckd = F.kl_div(two[0].log(), two[1], reduction="batchmean")
        z_others, y_others = [one[hot == 0].view(BATCH, CLASSES - 1) for one in (z[0], source)]
        nckd = F.kl_div(F.log_softmax(z_others / temperature, dim=1), F.softmax(y_others / temperature, dim=1),
                        reduction="batchmean")
        total = total + (alpha * tckd + beta * nckd) * temperature**2
    return total * (min(1 / warmup, 1) if warmup else 1)


def kdcl(z, n_sources, variant, temperature, scope, t_squared):
    """KDCL, CVPR 2020, section 3.2, the learner a member; linear's shares by brute force of a convex solver elsewhere."""
    members = [one.detach() for one in z[:1 + n_sources]]
    labels = torch.tensor(LABELS)
    log_p = F.log_softmax(z[0] / temperature, dim=1)
    if variant == 0:
        errors = torch.stack([F.cross_entropy(one, labels, reduction="none") for one in members])
        best = errors.argmin(0) if scope == 0 else errors.sum(1).argmin().expand(BATCH)
        q = F.softmax(torch.stack([members[best[b]][b] for b in range(BATCH)]) / temperature, dim=1)
    elif variant == 2:
        shifted = torch.stack([one - one.gather(1, labels.view(-1, 1)) for one in members])
        q = F.softmax(shifted.min(0).values / temperature, dim=1)
    else:
        q = torch.stack([F.softmax(one / temperature, dim=1) for one in members]).mean(0)
    return F.kl_div(log_p, q, reduction="batchmean") * (temperature**2 if t_squared else 1)


def general_row():
    """KDCL-general in the epoch after the one that C was measured in, on the same samples."""
    z = tensors()
    members, hot = [one.detach() for one in z], F.one_hot(torch.tensor(LABELS), CLASSES).double()
    errors = [F.softmax(one, dim=1) - hot for one in members]
    c = torch.tensor([[(a * b).sum(1).mean() for b in errors] for a in errors], dtype=torch.float64)
    w = torch.linalg.solve(c + 1e-3 * torch.eye(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))
    w = w / w.sum()
    q = sum(w[i] * F.softmax(members[i] / 2, dim=1) for i in range(3)).clamp(min=2.2250738585072014e-308)
    q = q / q.sum(1, keepdim=True)
    value = 4 * (q * (q.log() - F.log_softmax(z[0] / 2, dim=1))).sum(1).mean()
    value.backward()
    print("/* w; value, gradient to the learner */")
    print(f"static const double golden_general_weights[3] = {text(w.tolist())};")
    print(f"static const double golden_general_value = {value.item():.17g};")
    print(f"static const double golden_general_gradient[GOLDEN_COUNT] = {text(z[0].grad.flatten().tolist())};")


def attention(s, t):
    if s.shape[2] > t.shape[2]:
        s = F.adaptive_avg_pool2d(s, t.shape[2:])
    else:
        t = F.adaptive_avg_pool2d(t, s.shape[2:])
    a, b = [F.normalize(one.pow(2).mean(1).flatten(1)) for one in (s, t)]
    return (a - b).pow(2).mean()


def shifted(s, t):
    """FFSD's diversity: away from where the other looks, in all places but the third where it looks least."""
    norm = t.pow(2).mean(1).flatten(1).norm(dim=1, keepdim=True)
    a, b = [F.normalize(one.pow(2).mean(1).flatten(1)) for one in (s, t)]
    threshold = b.sort(dim=1).values[:, b.shape[1] // 3 - 1, None]
    goal = torch.where(b < threshold, b, torch.where(b > threshold, norm - b, norm / 2))
    return (a - goal).pow(2).mean()


def norms(s, t):
    a, b = [F.normalize(one.pow(2).mean(1).flatten(1)) for one in (s, t)]
    return (a - b).norm(dim=1).mean()


def units(s, t):
    return F.mse_loss(F.normalize(s.flatten(1)), F.normalize(t.flatten(1)))


def tap_row(name, settings, shapes, loss):
    taps = []
    for seed, shape in enumerate(shapes):
        count = shape[0] * shape[1] * shape[2] * 2
        taps.append(torch.tensor(numbers(count, 7 + seed), dtype=torch.float64).view(2, *shape).requires_grad_())
    value = loss(*taps)
    value.backward()
    given = ", ".join(f'{{"{key}", {number:g}}}' for key, number in settings) or "{NULL, 0}"
    dims = ", ".join(f"{{3, {{{a}, {b}, {c}}}}}" for a, b, c in shapes)
    rows = [text(one.detach().flatten().tolist()) for one in taps], [text(one.grad.flatten().tolist()) for one in taps]
    print(f'    {{"{name}", {{{given}}}, {{{dims}}}, {value.item():.17g},\n     {{' + ",\n      ".join(rows[0]) + "},")
    print("     {" + ",\n      ".join(rows[1]) + "}},")


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
for n, temperature, squared, reverse in ((1, 1, 0, 0), (1, 4, 1, 0), (2, 3, 0, 0), (1, 1, 0, 1), (2, 2, 1, 1), (2, 3, 1, 2)):
    z = tensors()
    settings = [("temperature", temperature), ("t_squared", squared), ("direction", reverse)]
    value = kl(z, n, temperature, squared, reverse) if reverse < 2 else (
        kl(z, n, temperature, squared, 0) + kl(z, n, temperature, squared, 1))
    loss_row("kl", settings, n, value, z)
for n, temperature, squared in ((1, 1, 0), (2, 3, 1)):
    z = tensors()
    loss_row("js", [("temperature", temperature), ("t_squared", squared)], n, js(z, n, temperature, squared), z)
for n, temperature, squared, logits in ((1, 1, 0, 0), (2, 2, 1, 0), (2, 3, 1, 1)):
    z = tensors()
    settings = [("temperature", temperature), ("t_squared", squared), ("mean", logits)]
    loss_row("peers", settings, n, peers(z, n, temperature, squared, logits), z)
for n, temperature, alpha, beta, warmup in ((1, 4, 1, 8, 20), (2, 1, 1, 2, 0), (1, 2, 0.5, 6, 1)):
    z = tensors()
    settings = [("temperature", temperature), ("alpha", alpha), ("beta", beta), ("warmup_epochs", warmup)]
    loss_row("dkd", settings, n, dkd(z, n, temperature, alpha, beta, warmup), z)
for variant, temperature, scope, squared in ((0, 2, 0, 1), (0, 1, 1, 0), (2, 2, 0, 1), (2, 1, 0, 1), (3, 2, 0, 1)):
    z = tensors()
    settings = [("variant", variant), ("temperature", temperature), ("scope", scope), ("t_squared", squared)]
    loss_row("kdcl", settings, 2, kdcl(z, 2, variant, temperature, scope, squared), z)
print("};\n\n/* temperature of the gap; gap, s, t; epsilon and delta with denominator sum; with denominator student */")
print("static const double golden_measures[][8] = {")
for temperature in (1, 2, 0.5):
    measure_row(temperature)
print("};\n")
general_row()
print("\nenum { GOLDEN_TAP = 96 };\nstruct golden_tap {\n    const char *name;\n    struct setting settings[MAX_SETTINGS];")
print("    struct sy_shape shapes[2]; /* of target and source; batch 2 */\n    double value;")
print("    float taps[2][GOLDEN_TAP];\n    double gradient[2][GOLDEN_TAP];\n};\nstatic const struct golden_tap golden_taps[] = {")
tap_row("mse", [("over", 0)], ((2, 3, 2), (2, 3, 2)), F.mse_loss)
tap_row("mse", [("over", 1)], ((2, 3, 2), (2, 3, 2)), lambda s, t: (s - t).pow(2).flatten(1).sum(1).mean())
tap_row("mse", [("normalize", 1)], ((2, 3, 2), (2, 3, 2)), units)
tap_row("at", [("toward", 1)], ((3, 4, 4), (2, 4, 4)), shifted)
tap_row("at", [("distance", 1)], ((3, 4, 4), (2, 4, 4)), norms)
tap_row("at", [], ((3, 4, 4), (2, 4, 4)), attention)
tap_row("at", [], ((3, 4, 4), (5, 2, 2)), attention)
tap_row("at", [], ((2, 3, 3), (2, 4, 4)), attention)
print("};\n/* clang-format on */\n\n#endif")
