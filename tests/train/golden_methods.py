#!/usr/bin/env python3
"""Writes golden_losses.h and golden_gradients.h beside it: ten training steps of every method in experiments/methods, from PyTorch in double precision.

Needs PyTorch, so it runs by hand when a method is added, not in the build: python3 golden_methods.py.
Written from the formulas of the papers (and of the released code where a configuration says so), not from Switchyard's
sources. Small networks: resnet-8 on images of 8 x 8, 5 classes, batches of 4, learning rate 0.01, all steps in epoch 40.
"""
import copy
import math
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
CLASSES, BATCH, SIDE, STEPS, EPOCH, RATE = 5, 4, 8, 10, 40, 0.01


def images(view=0, side=SIDE):
    count = BATCH * 3 * side * side
    numbers = [(((i * 37 + (i // 17) * 5 + (i * i) % 23) % 17) - 8) / 8 for i in range(view * count, (view + 1) * count)]
    return torch.tensor(numbers).reshape(BATCH, 3, side, side)


LABELS = torch.tensor([(3 * b + 1) % CLASSES for b in range(BATCH)])


def pattern(module, seed):
    for place, parameter in enumerate(module.parameters()):
        norm = getattr(parameter, "is_norm", False)
        numbers = [((7 * i + 3 * place + seed) % 17 - 8) / 40 + norm for i in range(parameter.numel())]
        parameter.data = torch.tensor(numbers, dtype=torch.float32).to(torch.float64).reshape(parameter.shape)
    return module


def norm(layer):
    layer.weight.is_norm = True
    return layer


class Block(nn.Module):
    def __init__(self, before, after, stride, projects):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), norm(nn.BatchNorm2d(after))
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), norm(nn.BatchNorm2d(after))
        self.stride, self.more = stride, after - before
        if projects and (stride != 1 or before != after):
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), norm(nn.BatchNorm2d(after)))

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "downsample"):
            x = self.downsample(x)
        elif self.stride != 1 or self.more:
            side = self.more // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, side, self.more - side))
        return F.relu(h + x)


class ResNet8(nn.Module):
    """Stages first to last; outputs by name. Shortcuts of option A, or, where it projects, of option B."""

    def __init__(self, first=1, last=3, projects=False):
        super().__init__()
        if first == 1:
            self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), norm(nn.BatchNorm2d(16))
        for stage in range(first, last + 1):
            before = 16 if stage == 1 else 4 << stage
            setattr(self, f"layer{stage}", nn.Sequential(Block(before, 8 << stage, 1 if stage == 1 else 2, projects)))
        if last == 3:
            self.linear = nn.Linear(64, CLASSES)
        self.first, self.last = first, last

    def forward(self, x):
        out = {}
        if self.first == 1:
            x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(self.first, self.last + 1):
            x = out[f"stage{stage}"] = getattr(self, f"layer{stage}")(x)
        if self.last == 3:
            out["pooled"] = x.mean((2, 3))
            out["logits"] = self.linear(out["pooled"])
        return out


class Gate(nn.Module):
    def __init__(self, branches):
        super().__init__()
        self.fc, self.bn = nn.Linear(32, branches), norm(nn.BatchNorm1d(branches))

    def forward(self, x, *logits):
        g = F.softmax(F.relu(self.bn(self.fc(x.mean((2, 3))))), 1)
        return {"logits": sum(g[:, i : i + 1] * z for i, z in enumerate(logits))}


class Fusion(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 3, 1, 1, groups=2 * channels, bias=False)
        self.bn1 = norm(nn.BatchNorm2d(2 * channels))
        self.pointwise = nn.Conv2d(2 * channels, channels, 1, bias=False)
        self.bn2 = norm(nn.BatchNorm2d(channels))
        self.fc = nn.Linear(channels, CLASSES)

    def forward(self, one, two):
        joined = torch.cat([one, two], 1)
        fused = F.relu(self.bn2(self.pointwise(F.relu(self.bn1(self.depthwise(joined))))))
        return {"joined": joined, "fused": fused, "logits": self.fc(fused.mean((2, 3)))}


class Widening(nn.Module):
    """FFSD's way from the leader's map to one as wide as all students' together."""

    def __init__(self, before, after):
        super().__init__()
        self.depthwise, self.bn1 = nn.Conv2d(before, before, 3, 1, 1, groups=before, bias=False), norm(nn.BatchNorm2d(before))
        self.pointwise, self.bn2 = nn.Conv2d(before, after, 1, bias=False), norm(nn.BatchNorm2d(after))

    def forward(self, x):
        return F.relu(self.bn2(self.pointwise(F.relu(self.bn1(self.depthwise(x))))))


class Regressor(nn.Module):
    def __init__(self, before, after, half=False, twice=None, bias=True):
        super().__init__()
        self.conv = (nn.Conv2d(before, after, 3, 2, 1, bias=bias) if half else
                     nn.ConvTranspose2d(before, after, twice, 2, 1, 4 - twice, bias=bias) if twice else nn.Conv2d(before, after, 1))
        self.bn = norm(nn.BatchNorm2d(after))

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Exit(nn.Module):
    def __init__(self, before, channels):
        super().__init__()
        for i, after in enumerate(channels):
            setattr(self, f"conv{i + 1}", nn.Conv2d(before, after, 3, 2, 1, bias=False))
            setattr(self, f"bn{i + 1}", norm(nn.BatchNorm2d(after)))
            before = after
        self.fc, self.count = nn.Linear(before, CLASSES), len(channels)

    def forward(self, x):
        for i in range(self.count):
            x = F.relu(getattr(self, f"bn{i + 1}")(getattr(self, f"conv{i + 1}")(x)))
        return {"map": x, "logits": self.fc(x.mean((2, 3)))}


class Ensemble(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3 * 64, CLASSES)

    def forward(self, *pooled):
        return {"logits": self.fc(torch.cat(pooled, 1))}


class Embed(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 8, bias=False)

    def forward(self, x):
        return self.linear(x)


class Scaled(torch.autograd.Function):
    """Identity forward; what flows back is multiplied."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.factor, None


def ce(z):
    return F.cross_entropy(z, LABELS)


def kl(source, target, T, squared=True):
    """KL(source^T || target^T), batch mean; through the source, too, unless it is detached."""
    q, log_q, log_p = F.softmax(source / T, 1), F.log_softmax(source / T, 1), F.log_softmax(target / T, 1)
    return (T * T if squared else 1) * (q * (log_q - log_p)).sum(1).mean()


def ramp(n):
    return math.exp(-5 * (1 - EPOCH / n) ** 2) if EPOCH < n else 1.0


class Method:
    """Subclasses fill `modules` in the order of the configuration, and say what a step's losses are."""

    rate, decay, decays, nesterov = RATE, 5e-4, {}, True
    averages, adam = {}, ()

    def train(self, name):
        modules = self.modules
        optimizers = [torch.optim.SGD(
            [{"params": m.parameters(), "weight_decay": self.decays.get(k, self.decay)} for k, m in modules.items()
             if k not in self.adam], lr=self.rate, momentum=0.9, nesterov=self.nesterov)]
        optimizers += [torch.optim.Adam(modules[k].parameters(), lr=0.001, weight_decay=self.decay) for k in self.adam]
        averages = {k: copy.deepcopy(modules[of]) for k, of in self.averages.items()}
        rows = {}
        for step in range(1, STEPS + 1):
            losses = self.losses(modules, averages)
            for optimizer in optimizers:
                optimizer.zero_grad()
            sum(losses.values()).backward()
            for node, loss in losses.items():
                rows.setdefault(node, []).append(loss.item())
            if step == 1:
                self.print_gradients(name)
            for optimizer in optimizers:
                optimizer.step()
            phi = min(1 - 1 / (step + 1), 0.999)
            for node, of in self.averages.items():
                for mean, now in zip(averages[node].parameters(), modules[of].parameters()):
                    mean.data = phi * mean.data + (1 - phi) * now.data
        for node, row in rows.items():
            numbers = ", ".join(f"{x:.12g}" for x in row)
            LOSSES.append(f'    {{"{name}", "{node}", {{{numbers}}}}},')

    def print_gradients(self, name):
        for node, module in self.modules.items():
            for parameter, values in module.named_parameters():
                g = values.grad.flatten()
                weights = torch.tensor([float((7 * i) % 11 - 5) for i in range(len(g))])
                GRADIENTS.append(f'    {{"{name}", "{node}", "{parameter}", {(g @ weights).item():.12g}, {g.norm().item():.12g}}},')


LOSSES, GRADIENTS = [], []


def seeded(modules):
    """Every module by a pattern of its own: 1 more for each in the order of the configuration."""
    for i, module in enumerate(modules.values()):
        pattern(module, i + 1)
    return modules


def branches(*names, projects=True):
    return {"trunk": ResNet8(1, 2, projects), **{name: ResNet8(3, 3, projects) for name in names}}


class One(Method):
    def __init__(self, decay=1e-4, nesterov=False, attached=False):
        self.decay, self.nesterov, self.attached = decay, nesterov, attached
        self.modules = seeded({**branches("one", "two", "three"), "gate": Gate(3)})

    def losses(self, m, _):
        x = m["trunk"](images())["stage2"]
        z = {k: m[k](x)["logits"] for k in ("one", "two", "three")}
        e = m["gate"](x, *z.values())["logits"]
        taught = e if self.attached else e.detach()
        return {**{k: ce(v) + ramp(80) * kl(taught, v, 3) for k, v in z.items()}, "gate": ce(e)}


class Alternating(Method):
    """One network steps, then its outputs are made anew; the next one learns from those. `losses` is of one network."""

    def __init__(self, official=False, averaged=False):
        self.official, self.averaged = official, averaged
        self.modules = seeded({k: ResNet8() for k in ("one", "two", "three")})

    def loss(self, own, others):
        if self.averaged:
            q = sum(F.softmax(z, 1) for z in others) / len(others)
            return ce(own) + (q * (q.log() - F.log_softmax(own, 1))).sum(1).mean()
        if self.official:
            return F.cross_entropy(own, LABELS, label_smoothing=0.1) + sum(kl(z, own, 1) for z in others)
        return ce(own) + sum(kl(z, own, 1) for z in others) / len(others)

    def train(self, name):
        m, rows = self.modules, {}
        optimizers = {k: torch.optim.Adam(net.parameters(), lr=RATE, betas=(0.5, 0.999)) if self.official else
                      torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=self.decay)
                      for k, net in m.items()}
        for step in range(STEPS):
            z = {k: net(images())["logits"] for k, net in m.items()}
            for k in m:
                loss = self.loss(z[k], [other.detach() for j, other in z.items() if j != k])
                optimizers[k].zero_grad()
                loss.backward()
                optimizers[k].step()
                rows.setdefault(k, []).append(loss.item())
                z[k] = m[k](images())["logits"]
            if step == 0:
                self.print_gradients(name)
        for node, row in rows.items():
            numbers = ", ".join(f"{x:.12g}" for x in row)
            LOSSES.append(f'    {{"{name}", "{node}", {{{numbers}}}}},')


class Kdcl(Method):
    """A view for each; one target of both: min-logit, or their mean."""

    def __init__(self, mean=False):
        self.mean, self.decay = mean, 5e-4 if mean else 1e-4
        self.nesterov = not mean
        self.modules = seeded({k: ResNet8(projects=mean) for k in ("one", "two")})

    def losses(self, m, _):
        z = {k: m[k](images(view))["logits"] for view, k in enumerate(m)}
        members = torch.stack([one.detach() for one in z.values()])
        if self.mean:
            return {k: 0.5 * ce(own) + 0.5 * kl(members.mean(0), own, 4) for k, own in z.items()}
        shifted = members - members.gather(2, LABELS.view(1, -1, 1).expand(2, -1, 1))
        return {k: ce(own) + kl(shifted.min(0).values, own, 2) for k, own in z.items()}


class ClIlr(Method):
    def __init__(self, official):
        self.official, self.modules = official, seeded(branches("one", "two", "three", projects=official))

    def losses(self, m, _):
        x = m["trunk"](images())["stage2"]
        z = {k: m[k](Scaled.apply(x, 1 / 3))["logits"] for k in ("one", "two", "three")}
        out = {}
        for k, own in z.items():
            others = sum(v for j, v in z.items() if j != k) / 2
            if self.official:
                out[k] = ce(own) + ramp(80) * kl(others, own, 3)
            else:
                out[k] = 0.5 * ce(own) + 0.5 * kl(others.detach(), own, 2, squared=False)
        return out


class OkdDip(Method):
    def __init__(self, network, paper=False):
        self.paper = paper
        names = ("one", "two", "three", "leader")
        nets = {k: ResNet8(projects=True) for k in names} if network else branches(*names)
        self.network, self.modules = network, {**nets, "query1": Embed(), "key1": Embed()}
        order = [*nets, "query1", "query2", "query3", "key1", "key2", "key3", "attention"]
        for k, module in self.modules.items():
            pattern(module, order.index(k) + 1)

    def losses(self, m, _):
        x = images() if self.network else m["trunk"](images())["stage2"]
        out = {k: m[k](x) for k in ("one", "two", "three", "leader")}
        peers = ("one", "two", "three")
        h = torch.stack([out[k]["pooled"] for k in peers], 1)
        z = torch.stack([out[k]["logits"] for k in peers], 1)
        attention = F.softmax(m["query1"](h) @ m["key1"](h).transpose(1, 2), -1)
        targets = attention @ z
        w = ramp(80)
        if self.paper:
            p, leader = F.softmax(z / 3, -1), out["leader"]["logits"]
            q = attention @ p
            soft = lambda q, z: 9 * (q * (q.log() - F.log_softmax(z / 3, 1))).sum(1).mean()
            losses = {k: ce(out[k]["logits"]) + w * soft(q[:, i], out[k]["logits"]) for i, k in enumerate(peers)}
            return {**losses, "leader": ce(leader) + w * soft(p.mean(1), leader)}
        losses = {k: ce(out[k]["logits"]) + w * kl(targets[:, i], out[k]["logits"], 3) for i, k in enumerate(peers)}
        leader = out["leader"]["logits"]
        return {**losses, "leader": ce(leader) + w * kl(z.mean(1), leader, 3)}


class Pcl(Method):
    weight, projects = ramp(80), False
    averages = {"mean_trunk1": "trunk1", "mean1": "peer1", "mean2": "peer2", "mean3": "peer3"}

    def __init__(self):
        order = ["trunk1", "trunk2", "trunk3", "peer1", "peer2", "peer3", "ensemble"]
        peers = {f"peer{i}": ResNet8(3, 3, self.projects) for i in (1, 2, 3)}
        self.modules = {"trunk1": ResNet8(1, 2, self.projects), **peers, "ensemble": Ensemble()}
        for k, module in self.modules.items():
            pattern(module, order.index(k) + 1)

    def losses(self, m, means):
        out = [m[f"peer{i}"](m["trunk1"](images(i - 1))["stage2"]) for i in (1, 2, 3)]
        e = m["ensemble"](*[o["pooled"] for o in out])["logits"]
        with torch.no_grad():
            mean = [means[f"mean{i}"](means["mean_trunk1"](images(i - 1))["stage2"])["logits"] for i in (1, 2, 3)]
        losses = {"ensemble": ce(e)}
        for i in range(3):
            z = out[i]["logits"]
            others = sum(kl(mean[j], z, 3) for j in range(3) if j != i)
            losses[f"peer{i + 1}"] = ce(z) + self.weight * kl(e.detach(), z, 3) + self.weight / 2 * others
        return losses


class PclOfEpoch2(Pcl):
    """The re-implementation's second epoch, of weight exp(-5 (1 - 2)^2)."""

    weight, projects = math.exp(-5), True


class Ffl(Method):
    decay, decays = 1e-4, {"fused": 1e-5}

    def __init__(self):
        self.modules = seeded({**branches("one", "two"), "fused": Fusion(64)})

    def losses(self, m, _):
        x = m["trunk"](images())["stage2"]
        one, two = m["one"](x), m["two"](x)
        fused = m["fused"](one["stage3"], two["stage3"])["logits"]
        mean, w = (one["logits"] + two["logits"]).detach() / 2, ramp(80)
        return {"one": ce(one["logits"]) + w * kl(fused.detach(), one["logits"], 3),
                "two": ce(two["logits"]) + w * kl(fused.detach(), two["logits"], 3),
                "fused": ce(fused) + w * kl(mean, fused, 3)}


def attention(x, y):
    x, y = [F.normalize(one.pow(2).mean(1).flatten(1)) for one in (x, y)]
    return (x - y).pow(2).mean()


def units(x, y):
    return (F.normalize(x.flatten(1)) - F.normalize(y.flatten(1))).pow(2).mean()


def diversity(x, y):
    n = y.pow(2).mean(1).flatten(1).norm(dim=1, keepdim=True)
    x, y = [F.normalize(one.pow(2).mean(1).flatten(1)) for one in (x, y)]
    threshold = y.sort(dim=1).values[:, y.shape[1] // 3 - 1, None]
    return (x - torch.where(y < threshold, y, torch.where(y > threshold, n - y, n / 2))).pow(2).mean()


def shifted(y):
    """The map that FFSD's second student sees through its helper: every channel gets what is missing of the attention to
    that of a network which looks elsewhere, times the norm, divided by the number of channels."""
    a = y.pow(2).mean(1).flatten(1)
    n, unit = a.norm(dim=1, keepdim=True), F.normalize(a)
    threshold = unit.sort(dim=1).values[:, unit.shape[1] // 3 - 1, None]
    goal = torch.where(unit < threshold, unit, torch.where(unit > threshold, n - unit, n / 2))
    return y + ((goal - unit) * n / y.shape[1]).view(y.shape[0], 1, *y.shape[2:])


class Ffsd(Method):
    """In epoch 40 all warm-ups are over. Images of 16 x 16, so that last maps have a third of their places."""

    decay, decays, adam = 1e-4, {"fused": 1e-5}, ("up1", "up2", "back1", "back2")

    def __init__(self, light=1e-5):
        self.light = light
        one, two, leader = [ResNet8(projects=True) for _ in range(3)]
        self.modules = seeded({"one": one, "two": two, "fused": Fusion(64), "leader": leader,
                               "trans": Widening(64, 128), "up1": Regressor(64, 32, twice=3, bias=False),
                               "up2": Regressor(32, 16, twice=3, bias=False)})
        for name, seed, channels in (("back1", 11, (64, 32)), ("back2", 12, (32, 16))):
            self.modules[name] = pattern(Regressor(*channels, twice=3, bias=False), seed)

    def losses(self, m, _):
        one, two, leader = [m[k](images(side=16)) for k in ("one", "two", "leader")]
        fused = m["fused"](one["stage3"].detach(), two["stage3"].detach())
        with torch.no_grad():
            taught1 = m["up1"].eval()(fused["fused"])
            taught2 = m["up2"].eval()(taught1)
            shown1 = m["back1"].eval()(shifted(one["stage3"]))
            shown2 = m["back2"].eval()(shown1)
        up1 = m["up1"].train()(leader["stage3"].detach())
        up2 = m["up2"].train()(up1)
        back1 = m["back1"].train()(two["stage3"].detach())
        back2 = m["back2"].train()(back1)
        own, theirs = [[net[k].detach() for k in ("stage2", "stage1")] for net in (leader, two)]
        apart = (diversity(two["stage3"], one["stage3"].detach()) + attention(two["stage2"], shown1)
                 + attention(two["stage1"], shown2))
        z, mean = [one["logits"], two["logits"]], (one["logits"] + two["logits"]).detach() / 2
        shaped = 10 * (attention(leader["stage3"], fused["fused"].detach()) + attention(leader["stage2"], taught1)
                       + attention(leader["stage1"], taught2))
        return {"one": ce(z[0]) + kl(z[1].detach(), z[0], 2),
                "two": ce(z[1]) + kl(z[0].detach(), z[1], 2) + self.light * apart,
                "fused": ce(fused["logits"]) + kl(mean, fused["logits"], 2),
                "leader": ce(leader["logits"]) + kl(fused["logits"].detach(), leader["logits"], 2) + shaped,
                "trans": 10 * attention(m["trans"](leader["stage3"]), fused["joined"]),
                "up1": 1000 * (units(up1, own[0]) + attention(up1, own[0])),
                "up2": 1000 * (units(up2, own[1]) + attention(up2, own[1])),
                "back1": 1000 * (units(back1, theirs[0]) + attention(back1, theirs[0])),
                "back2": 1000 * (units(back2, theirs[1]) + attention(back2, theirs[1]))}


class Byot(Method):
    def __init__(self):
        self.modules = seeded({"net": ResNet8(), "exit1": Exit(16, [32, 64]), "exit2": Exit(32, [64])})

    def losses(self, m, _):
        net = m["net"](images())
        losses = {"net": ce(net["logits"])}
        for k, tap in (("exit1", "stage1"), ("exit2", "stage2")):
            out = m[k](net[tap])
            hint = F.mse_loss(out["map"], net["stage3"].detach())
            soft = kl(net["logits"].detach(), out["logits"], 3, squared=False)
            losses[k] = 0.7 * ce(out["logits"]) + 0.3 * soft + 0.03 * hint
        return losses


class MeanTeacher(Method):
    averages = {"mean": "student"}

    def __init__(self):
        self.modules = seeded({"student": ResNet8()})

    def losses(self, m, means):
        z = m["student"](images(0))["logits"]
        with torch.no_grad():
            mean = means["mean"](images(1))["logits"]
        return {"student": ce(z) + ramp(5) * kl(mean, z, 1)}


class Offline(Method):
    """A student and what is trained with it, from a teacher that is not: seed 1, in evaluation mode."""

    nesterov = False

    def __init__(self, **parts):
        self.teacher = pattern(ResNet8(), 1).eval()
        self.modules = {"student": ResNet8(), **parts}
        for i, module in enumerate(self.modules.values()):
            pattern(module, i + 2)

    def outputs(self, m):
        with torch.no_grad():
            taught = self.teacher(images())
        return taught, m["student"](images())


class Kd(Offline):
    def __init__(self, hard, soft, T, decay=5e-4):
        super().__init__()
        self.hard, self.soft, self.T, self.decay = hard, soft, T, decay

    def losses(self, m, _):
        t, s = self.outputs(m)
        return {"student": self.hard * ce(s["logits"]) + self.soft * kl(t["logits"], s["logits"], self.T)}


class At(Offline):
    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def losses(self, m, _):
        t, s = self.outputs(m)
        if not self.norm:
            return {"student": ce(s["logits"]) + 1000 * sum(attention(s[k], t[k]) for k in ("stage1", "stage2", "stage3"))}
        maps = [[F.normalize(o[k].pow(2).sum(1).flatten(1)) for o in (s, t)] for k in ("stage1", "stage2", "stage3")]
        return {"student": ce(s["logits"]) + sum((a - b).norm(dim=1).mean() for a, b in maps)}


class Dkd(Offline):
    """beta 6, T 4; the warm-up of 20 epochs is over."""

    def losses(self, m, _):
        t, s = [one["logits"] / 4 for one in self.outputs(m)]
        hot = F.one_hot(LABELS, CLASSES).bool()
        two = [torch.stack([F.softmax(z, 1)[hot], 1 - F.softmax(z, 1)[hot]], 1) for z in (t, s)]
        rest = [z[~hot].view(BATCH, -1) for z in (t, s)]
        tckd = (two[0] * (two[0].log() - two[1].log())).sum(1).mean()
        nckd = kl(rest[0], rest[1], 1)
        return {"student": ce(4 * s) + 16 * (tckd + 6 * nckd)}


class FitNet(Offline):
    """From the student's map at one stage to the teacher's at one: of the same size, half, or twice."""

    def __init__(self, own="stage2", taught="stage2", **form):
        channels = {"stage2": 32, "stage3": 64}
        super().__init__(regressor=Regressor(channels[own], channels[taught], **form))
        self.own, self.taught = own, taught

    def losses(self, m, _):
        t, s = self.outputs(m)
        hint = F.mse_loss(m["regressor"](s[self.own]), t[self.taught])
        return {"student": ce(s["logits"]), "regressor": 100 * hint}


class FitNetInStages(Method):
    """The lower half by the hint alone; then, with an optimiser that knows nothing of that, all of it by KD. At a rate of
    0.01 the hint's ten steps end where a unit is all but 0, and PyTorch in float goes another way than in double."""

    nesterov = False

    def train(self, name):
        self.teacher = pattern(ResNet8(), 1).eval()
        lower = pattern(ResNet8(1, 2), 2)
        self.modules = {"lower": lower, "regressor": pattern(Regressor(32, 32), 3)}
        self.losses, self.rate = self.hint, 0.02
        super().train(f"{name}_hint")
        self.modules = {"lower": lower, "student": pattern(ResNet8(3, 3), 2)}
        self.losses, self.rate = self.soft, RATE
        super().train(name)

    def taught(self, output):
        with torch.no_grad():
            return self.teacher(images())[output]

    def hint(self, m, _):
        return {"regressor": F.mse_loss(m["regressor"](m["lower"](images())["stage2"]), self.taught("stage2"))}

    def soft(self, m, _):
        z = m["student"](m["lower"](images())["stage2"])["logits"]
        return {"student": 0.1 * ce(z) + 0.9 * kl(self.taught("logits"), z, 4)}


class Embedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 4)

    def forward(self, x):
        return F.normalize(self.linear(x))


class Crd(Offline):
    """60 samples, sample i of class i mod 5; a batch's samples are 0 to 3, its classes LABELS; all of other classes are drawn."""

    def __init__(self, soft):
        super().__init__(student_embedding=Embedding(), teacher_embedding=Embedding())
        self.soft, self.z = soft, [None, None]
        self.memory = [torch.tensor([((7 * i + seed) % 17 - 8) / 16 for i in range(60 * 4)]).view(60, 4) for seed in (1, 2)]
        self.rows = torch.tensor([[b] + [i for i in range(60) if i % 5 != LABELS[b]] for b in range(BATCH)])

    def contrast(self, side, e):
        out = torch.exp((self.memory[1 - side][self.rows] * e[:, None]).sum(2) / 0.07)
        self.z[side] = self.z[side] or out.mean().item() * 60
        out, noise = out / self.z[side], 48 / 60
        right = torch.log(out[:, :1] / (out[:, :1] + noise + 1e-7))
        wrong = torch.log(noise / (out[:, 1:] + noise + 1e-7))
        return -(right.sum() + wrong.sum()) / BATCH

    def losses(self, m, _):
        t, s = self.outputs(m)
        e = [m["student_embedding"](s["pooled"]), m["teacher_embedding"](t["pooled"])]
        both = self.contrast(0, e[0]) + self.contrast(1, e[1])
        for memory, new in zip(self.memory, e):
            memory[:BATCH] = F.normalize(0.5 * memory[:BATCH] + 0.5 * new.detach())
        soft = kl(t["logits"], s["logits"], 4) if self.soft else 0
        return {"student": ce(s["logits"]) + soft, "student_embedding": 0.8 * both}


METHODS = {"one": One, "cl_ilr": lambda: ClIlr(False), "cl_ilr_official": lambda: ClIlr(True),
           "okddip": lambda: OkdDip(False), "okddip_network": lambda: OkdDip(True), "pcl": Pcl, "ffl": Ffl, "byot": Byot,
           "mean_teacher": MeanTeacher, "kd": lambda: Kd(0.1, 0.9, 4), "takd": lambda: Kd(0.5, 0.5, 5, 1e-4),
           "fitnet": FitNet, "fitnet_half": lambda: FitNet("stage2", "stage3", half=True),
           "fitnet_twice": lambda: FitNet("stage3", "stage2", twice=4), "ffsd": Ffsd, "okddip_paper": lambda: OkdDip(False, True),
           "at": lambda: At(False), "at_paper": lambda: At(True), "dkd": Dkd, "dml": Alternating,
           "dml_official": lambda: Alternating(official=True), "dml_e": lambda: Alternating(averaged=True), "kdcl": Kdcl,
           "kdcl_reimplemented": lambda: Kdcl(True), "one_okddip": lambda: One(5e-4, True, True),
           "pcl_reimplemented": PclOfEpoch2, "takd_official": lambda: Kd(0.5, 0.005, 5, 1e-4), "crd": lambda: Crd(False), "crd_kd": lambda: Crd(True),
           "fitnet_paper": FitNetInStages, "ffsd_diverse": lambda: Ffsd(0.25)}

for method, make in METHODS.items():
    make().train(method)
NOTE = "written by golden_methods.py with PyTorch; do not edit. */"
HERE = Path(__file__).parent
(HERE / "golden_losses.h").write_text(
    f"/* golden_losses.h - {NOTE}\n#define GOLDEN_STEPS {STEPS}\n\n/* clang-format off */\n"
    "static const struct golden_losses {\n    const char *method, *node;\n    double losses[GOLDEN_STEPS];\n"
    "} golden_losses[] = {\n" + "\n".join(LOSSES) + "\n};\n/* clang-format on */\n")
(HERE / "golden_gradients.h").write_text(
    f"/* golden_gradients.h - {NOTE}\n/* clang-format off */\n\n"
    "/* sum_i ((7 i) mod 11 - 5) g_i and |g| of the first step. */\n"
    "static const struct golden_gradient {\n    const char *method, *node, *parameter;\n    double sum, norm;\n"
    "} golden_gradients[] = {\n" +
    "\n".join(" ".join(line.strip() if i else line for i, line in enumerate(GRADIENTS[k:k + 3]))
              for k in range(0, len(GRADIENTS), 3)) + "\n};\n/* clang-format on */\n")
