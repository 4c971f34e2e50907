#!/usr/bin/env python3
"""Writes golden/*.safetensors: small networks computed by PyTorch in float64, for tests/backends/test_golden.c.

  python3 tests/data/golden.py        (needs PyTorch; any version; the files in golden/ are what it wrote)

Each file has weights.NAME, input (B, 3, H, W), labels (B), and what PyTorch makes of them: logits.eval, logits.train,
loss (cross-entropy, batch mean), grads.NAME, after.NAME (running statistics after one forward in training mode). Scales
and shifts of batch norms are such that no ReLU sees a number near 0, where implementations may differ. The metadata key
"network" is the network as Switchyard's config would have it.
"""
import json, os, struct
import torch, torch.nn as nn, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))


class WideBlock(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(a), nn.Conv2d(a, b, 3, 1, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(b), nn.Conv2d(b, b, 3, stride, 1)
        self.shortcut = nn.Sequential(*([nn.Conv2d(a, b, 1, stride)] if stride > 1 or a != b else []))

    def forward(self, x):
        y = self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        return y + self.shortcut(x)


class Wide(nn.Module):
    def __init__(self, blocks, width, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1)
        a = 16
        for s in (1, 2, 3):
            b = 8 * 2**s * width
            layers = [WideBlock(a if i == 0 else b, b, 2 if s > 1 and i == 0 else 1) for i in range(blocks)]
            setattr(self, f"layer{s}", nn.Sequential(*layers))
            a = b
        self.bn1, self.linear = nn.BatchNorm2d(a, momentum=0.9), nn.Linear(a, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.linear(F.relu(self.bn1(x)).mean(dim=(2, 3)))


class PlainBlock(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.stride, self.more = stride, b - a

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        side = self.more // 2
        return F.relu(y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, side, side)))


class Plain(nn.Module):
    def __init__(self, blocks, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        a = 16
        for s in (1, 2, 3):
            b = 8 * 2**s
            layers = [PlainBlock(a if i == 0 else b, b, 2 if s > 1 and i == 0 else 1) for i in range(blocks)]
            setattr(self, f"layer{s}", nn.Sequential(*layers))
            a = b
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean(dim=(2, 3)))


def unit(a, b, k, stride, groups=1):
    return [nn.Conv2d(a, b, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(b)]


class Inverted(nn.Module):
    def __init__(self, a, b, expansion, stride):
        super().__init__()
        m = a * expansion
        self.conv = nn.Sequential(*unit(a, m, 1, 1), nn.ReLU(), *unit(m, m, 3, stride, m), nn.ReLU(), *unit(m, b, 1, 1))
        self.same = a == b and stride == 1

    def forward(self, x):
        return x + self.conv(x) if self.same else self.conv(x)


class Mobile(nn.Module):
    ROWS = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self, width, classes):
        super().__init__()
        a = int(32 * width)
        self.conv1 = nn.Sequential(*unit(3, a, 3, 2))
        stages = []
        for t, c, n, s in self.ROWS:
            b = int(c * width)
            stages.append(nn.Sequential(*[Inverted(a if i == 0 else b, b, t, s if i == 0 else 1) for i in range(n)]))
            a = b
        self.blocks = nn.ModuleList(stages)
        self.conv2 = nn.Sequential(*unit(a, 1280, 1, 1))
        self.classifier = nn.Sequential(nn.Linear(1280, classes))

    def forward(self, x):
        x = F.relu(self.conv1(x))
        for stage in self.blocks:
            x = stage(x)
        return self.classifier(F.relu(self.conv2(x)).mean(dim=(2, 3)))


class Perceptron(nn.Module):
    def __init__(self, inputs, hidden, classes):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(inputs, hidden), nn.Linear(hidden, classes)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def away_from_kinks(net):
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.weight.data.uniform_(0.2, 0.4)
            m.bias.data.uniform_(3, 4)
            m.bias.data[::3] *= -1
            m.running_mean.uniform_(-0.2, 0.2)
            m.running_var.uniform_(0.5, 1.5)


def write(name, network, net, size, classes, batch):
    torch.manual_seed(20)
    for p in net.parameters():
        if p.dim() > 1:
            nn.init.kaiming_normal_(p)
    away_from_kinks(net)
    x, y = torch.randn(batch, 3, size, size), torch.randint(0, classes, (batch,))
    out = {f"weights.{k}": v.clone() for k, v in net.state_dict().items()}
    out.update({"input": x, "labels": y})
    net, x = net.double(), x.double()
    with torch.no_grad():
        out["logits.eval"] = net.eval()(x)
    logits = net.train()(x)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    out["logits.train"], out["loss"] = logits.detach(), loss.detach().reshape(1)
    out.update({f"grads.{k}": p.grad for k, p in net.named_parameters()})
    out.update({f"after.{k}": v for k, v in net.state_dict().items() if "running" in k})
    header, blobs, at = {"__metadata__": {"network": network}}, [], 0
    for key, t in out.items():
        t = t.long() if t.dtype == torch.int64 else t.float()
        raw = t.contiguous().numpy().tobytes()
        header[key] = {"dtype": "I64" if t.dtype == torch.int64 else "F32", "shape": list(t.shape),
                       "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        blobs.append(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(HERE, "golden", name + ".safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


write("wrn-10-1", 'plugin = "wrn"; depth = 10; width = 1;', Wide(1, 1, 5), 12, 5, 3)
write("resnet-8", 'plugin = "resnet_cifar"; depth = 8;', Plain(1, 4), 13, 4, 3)
write("mobilenetv2-0.125", 'plugin = "mobilenetv2"; width = 0.125;', Mobile(0.125, 3), 32, 3, 3)
write("mlp", 'plugin = "mlp"; hidden = [7];', Perceptron(3 * 8 * 8, 7, 3), 8, 3, 5)
