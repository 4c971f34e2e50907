#!/usr/bin/env python3
"""Writes golden/*.safetensors: small networks computed by PyTorch in float64, for tests/backends/test_golden.c.

  python3 tests/data/golden.py        (needs PyTorch; the files in golden/ are what 1.13.1 wrote, bit for bit; later
                                       versions sum in another order and differ in the last bits of gradients)

Each file has weights.NAME, input (B, 3, H, W), labels (B), and what PyTorch makes of them: logits.eval, logits.train,
loss (cross-entropy, batch mean), grads.NAME, after.NAME (running statistics after one forward in training mode). Scales
and shifts of batch norms are such that no ReLU sees a number near 0, where implementations may differ. The metadata key
"network" is the network as Switchyard's config would have it. Printed is what PyTorch's autocast is off by.
"""
import copy, json, os, struct
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


def norm(a, b, k, stride=1, groups=1, bias=False):
    return nn.Conv2d(a, b, k, stride, k // 2, groups=groups, bias=bias), nn.BatchNorm2d(b)


class ResidualBlock(nn.Module):
    """Torchvision's; `tiny` as in the model for Tiny-ImageNet, which only has other names."""

    def __init__(self, a, b, stride, tiny):
        super().__init__()
        first, second = norm(a, b, 3, stride), norm(b, b, 3)
        side = nn.Sequential(*(norm(a, b, 1, stride) if stride > 1 or a != b else []))
        if tiny:
            self.left, self.shortcut = nn.Sequential(*first, nn.ReLU(), *second), side
        else:
            (self.conv1, self.bn1), (self.conv2, self.bn2) = first, second
            if len(side):
                self.downsample = side
        self.tiny, self.has_side = tiny, len(side) > 0

    def forward(self, x):
        if self.tiny:
            return F.relu(self.left(x) + self.shortcut(x))
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if self.has_side else x))


class Residual(nn.Module):
    def __init__(self, blocks, width, classes, tiny):
        super().__init__()
        if tiny:
            self.conv1 = nn.Sequential(*norm(3, width, 3), nn.ReLU())
        else:
            self.conv1, self.bn1 = norm(3, width, 7, 2)
        a = width
        for s, count in enumerate(blocks):
            b = width << s
            layers = [ResidualBlock(a if i == 0 else b, b, 2 if s and i == 0 else 1, tiny) for i in range(count)]
            setattr(self, f"layer{s + 1}", nn.Sequential(*layers))
            a = b
        self.fc, self.tiny = nn.Linear(a, classes), tiny

    def forward(self, x):
        x = self.conv1(x) if self.tiny else F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(dim=(2, 3)))


class SeparableBlock(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = norm(a, a, 3, stride, a)
        self.conv2, self.bn2 = norm(a, b, 1)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Separable(nn.Module):
    ROWS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]

    def __init__(self, width, classes):
        super().__init__()
        a = int(32 * width)
        self.conv1, self.bn1 = norm(3, a, 3)
        layers = []
        for c, s in self.ROWS:
            layers.append(SeparableBlock(a, int(c * width), s))
            a = int(c * width)
        self.layers, self.linear = nn.Sequential(*layers), nn.Linear(a, classes)

    def forward(self, x):
        return self.linear(self.layers(F.relu(self.bn1(self.conv1(x)))).mean(dim=(2, 3)))


class Stacked(nn.Module):
    def __init__(self, counts, width, classes):
        super().__init__()
        a = 3
        for i, count in enumerate(counts):
            b, layers = width << min(i, 3), []
            for _ in range(count):
                layers += [*norm(a, b, 3, bias=True), nn.ReLU()]
                a = b
            setattr(self, f"block{i}", nn.Sequential(*layers[:-1]))
        self.classifier = nn.Linear(a, classes)

    def forward(self, x):
        large = x.shape[2] >= 64
        for i in range(5):
            x = F.relu(getattr(self, f"block{i}")(x))
            if i < 3 or (i == 3 and large):
                x = F.max_pool2d(x, 2)
        return self.classifier(x.mean(dim=(2, 3)))


def shuffled(*parts):
    x = torch.cat(parts, 1)
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class ShuffleBasic(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c // 2
        self.conv1, self.bn1 = norm(h, h, 1)
        self.conv2, self.bn2 = norm(h, h, 3, 1, h)
        self.conv3, self.bn3 = norm(h, h, 1)

    def forward(self, x):
        left, right = x.chunk(2, 1)
        right = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(right)))))
        return shuffled(left, F.relu(self.bn3(self.conv3(right))))


class ShuffleDown(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        h = b // 2
        self.conv1, self.bn1 = norm(a, a, 3, 2, a)
        self.conv2, self.bn2 = norm(a, h, 1)
        self.conv3, self.bn3 = norm(a, h, 1)
        self.conv4, self.bn4 = norm(h, h, 3, 2, h)
        self.conv5, self.bn5 = norm(h, h, 1)

    def forward(self, x):
        left = F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        right = self.bn4(self.conv4(F.relu(self.bn3(self.conv3(x)))))
        return shuffled(left, F.relu(self.bn5(self.conv5(right))))


class Shuffle(nn.Module):
    def __init__(self, widths, blocks, last, classes):
        super().__init__()
        self.conv1, self.bn1 = norm(3, 24, 1)
        a = 24
        for i, (b, count) in enumerate(zip(widths, blocks)):
            setattr(self, f"layer{i + 1}", nn.Sequential(ShuffleDown(a, b), *[ShuffleBasic(b) for _ in range(count)]))
            a = b
        self.conv2, self.bn2 = norm(a, last, 1)
        self.linear = nn.Linear(last, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(F.relu(self.bn2(self.conv2(x))).mean(dim=(2, 3)))


class DenseLayer(nn.Module):
    def __init__(self, a, growth):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(a), nn.Conv2d(a, 4 * growth, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False)

    def forward(self, x):
        return torch.cat([self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x)))))), x], 1)


class Transition(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.bn, self.conv = nn.BatchNorm2d(a), nn.Conv2d(a, b, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.bn(x))), 2)


class Dense(nn.Module):
    def __init__(self, growth, blocks, classes):
        super().__init__()
        a, self.blocks = 2 * growth, len(blocks)
        self.conv1 = nn.Conv2d(3, a, 3, 1, 1, bias=False)
        for i, count in enumerate(blocks):
            setattr(self, f"dense{i + 1}", nn.Sequential(*[DenseLayer(a + k * growth, growth) for k in range(count)]))
            a += count * growth
            if i + 1 < len(blocks):
                setattr(self, f"trans{i + 1}", Transition(a, a // 2))
                a //= 2
        self.bn, self.linear = nn.BatchNorm2d(a), nn.Linear(a, classes)

    def forward(self, x):
        x = self.conv1(x)
        for i in range(self.blocks):
            x = getattr(self, f"dense{i + 1}")(x)
            x = getattr(self, f"trans{i + 1}")(x) if i + 1 < self.blocks else x
        return self.linear(F.relu(self.bn(x)).mean(dim=(2, 3)))


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


def autocast_error(net, x, y, grads):
    """What autocast's gradients, all together, are off by: the figures in test_golden.c."""
    net = copy.deepcopy(net).float().train()
    net.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net(x.float())
    F.cross_entropy(logits.float(), y).backward()
    apart = sum(((p.grad.double() - grads[k]) ** 2).sum() for k, p in net.named_parameters())
    return (apart / sum((g ** 2).sum() for g in grads.values())).sqrt().item()


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
    grads = {k: p.grad for k, p in net.named_parameters()}
    out.update({f"grads.{k}": g for k, g in grads.items()})
    print(f"{name}: autocast in bfloat16 is off by {autocast_error(net, x, y, grads):.2e}")
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


def main():
    # Biases are drawn with a network, before write() seeds: the first one's from what PyTorch had for a seed when its file
    # was made (found again by trying all 2^32 against that file), the others' where the network before leaves off. So
    # new ones belong at the end.
    torch.manual_seed(2144876830)
    write("wrn-10-1", 'plugin = "wrn"; depth = 10; width = 1;', Wide(1, 1, 5), 12, 5, 3)
    write("resnet-8", 'plugin = "resnet_cifar"; depth = 8;', Plain(1, 4), 13, 4, 3)
    write("mobilenetv2-0.125", 'plugin = "mobilenetv2"; width = 0.125;', Mobile(0.125, 3), 32, 3, 3)
    write("mlp", 'plugin = "mlp"; hidden = [7];', Perceptron(3 * 8 * 8, 7, 3), 8, 3, 5)
    write("resnet-18-4", 'plugin = "resnet"; depth = 18; width = 4;', Residual((2, 2, 2, 2), 4, 3, False), 37, 3, 3)
    write("resnet-18-4-tiny", 'plugin = "resnet"; depth = 18; width = 4; variant = "tiny";',
          Residual((2, 2, 2, 2), 4, 3, True), 13, 3, 3)
    write("mobilenet-0.125", 'plugin = "mobilenet"; width = 0.125;', Separable(0.125, 3), 17, 3, 3)
    write("vgg-8-4", 'plugin = "vgg"; depth = 8; width = 4;', Stacked((1, 1, 1, 1, 1), 4, 3), 18, 3, 3)
    write("vgg-13-2-large", 'plugin = "vgg"; depth = 13; width = 2;', Stacked((2, 2, 2, 2, 2), 2, 3), 64, 3, 2)
    write("shufflenetv2-0.2", 'plugin = "shufflenetv2"; width = 0.2;', Shuffle((40, 80, 160), (3, 3, 3), 512, 3), 24, 3, 3)
    write("densenet-3", 'plugin = "densenet"; growth = 3; blocks = [2, 1, 3];', Dense(3, (2, 1, 3), 3), 13, 3, 3)


if __name__ == "__main__":
    main()
