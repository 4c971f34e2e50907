"""Times training steps of one network, or of the SwitOKD pair, in PyTorch, and prints one JSON object.

compare.py runs it, once a round and mode, with the python whose PyTorch is to be measured; it needs nothing but torch
(1.10 or later). The networks are those of Switchyard's plugins wrn (paper), resnet_cifar, mobilenetv2 (cifar), mobilenet
and densenet: same shapes, same numbers of parameters, which compare.py checks. Milliseconds throughout."""
import argparse
import contextlib
import json
import resource
import time

import torch
from torch import nn
from torch.nn import functional


def conv(inputs, outputs, size=3, **more):
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, **more)


class PreActivated(nn.Module):
    """WRN's block: twice batch norm, ReLU, 3x3; the stride is the second's; a 1x1 on the raw input where shapes change."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)])
        self.convs = nn.ModuleList([conv(inputs, outputs), conv(outputs, outputs, stride=stride)])
        self.side = conv(inputs, outputs, 1, stride=stride) if stride > 1 or inputs != outputs else None

    def forward(self, x):
        out = x
        for norm, layer in zip(self.norms, self.convs):
            out = layer(torch.relu(norm(out)))
        return out + (x if self.side is None else self.side(x))


class Residual(nn.Module):
    """ResNet's block for small images: where shapes change, every second pixel and zero channels (option A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(conv(inputs, outputs, stride=stride, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                                  conv(outputs, outputs, bias=False), nn.BatchNorm2d(outputs))
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x):
        out = self.body(x)
        if self.stride > 1 or self.more:
            x = functional.pad(x[..., ::self.stride, ::self.stride],
                               (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
        return torch.relu(out + x)


class Inverted(nn.Module):
    """MobileNetV2's block: 1x1 up, 3x3 on each channel, 1x1 down."""

    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.body = nn.Sequential(
            conv(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(),
            conv(wide, wide, stride=stride, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU(),
            conv(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.adds else self.body(x)


class Dense(nn.Module):
    """DenseNet's layer: 1x1 to four times the growth, 3x3 to the growth, in front of what was there."""

    def __init__(self, inputs, growth):
        super().__init__()
        self.body = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), conv(inputs, 4 * growth, 1, bias=False),
                                  nn.BatchNorm2d(4 * growth), nn.ReLU(), conv(4 * growth, growth, bias=False))

    def forward(self, x):
        return torch.cat([self.body(x), x], 1)


def stack(block, stem, rows):
    """Blocks by rows of (channels, how many, stride of the first, more arguments)."""
    layers, width = [], stem
    for channels, count, stride, *more in rows:
        for index in range(count):
            layers.append(block(width, channels, 1 if index else stride, *more))
            width = channels
    return layers, width


def wrn(classes, depth=16, width=2):
    blocks = (int(depth) - 4) // 6
    rows = [((16 << stage) * int(width), blocks, 2 if stage else 1) for stage in range(3)]
    layers, last = stack(PreActivated, 16, rows)
    return nn.Sequential(conv(3, 16), *layers, nn.BatchNorm2d(last, momentum=0.9), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(last, classes))


def resnet(classes, depth=20):
    blocks = (int(depth) - 2) // 6
    rows = [(16 << stage, blocks, 2 if stage else 1) for stage in range(3)]
    layers, last = stack(Residual, 16, rows)
    return nn.Sequential(conv(3, 16, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *layers, nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(last, classes))


def mobilenetv2(classes, width=0.5):
    def scaled(channels):
        return int(channels * float(width))

    table = [(16, 1, 1, 1), (24, 2, 1, 6), (32, 3, 2, 6), (64, 4, 2, 6), (96, 3, 1, 6), (160, 3, 2, 6), (320, 1, 1, 6)]
    layers, last = stack(Inverted, scaled(32), [(scaled(row[0]), *row[1:]) for row in table])
    top = max(1280, scaled(1280))
    return nn.Sequential(conv(3, scaled(32), stride=2, bias=False), nn.BatchNorm2d(scaled(32)), nn.ReLU(), *layers,
                         conv(last, top, 1, bias=False), nn.BatchNorm2d(top), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(top, classes))


def mobilenet(classes, width=1):
    def block(inputs, outputs, stride):
        return nn.Sequential(conv(inputs, inputs, stride=stride, groups=inputs, bias=False), nn.BatchNorm2d(inputs),
                             nn.ReLU(), conv(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())

    table = [(64, 1, 1), (128, 1, 2), (128, 1, 1), (256, 1, 2), (256, 1, 1), (512, 1, 2), (512, 5, 1), (1024, 1, 2),
             (1024, 1, 1)]
    stem = int(32 * float(width))
    layers, last = stack(block, stem, [(int(row[0] * float(width)), *row[1:]) for row in table])
    return nn.Sequential(conv(3, stem, bias=False), nn.BatchNorm2d(stem), nn.ReLU(), *layers, nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(last, classes))


def densenet(classes, growth=12, *blocks):
    growth, blocks = int(growth), [int(layers) for layers in blocks] or [6, 12, 24, 16]
    width, layers = 2 * growth, [conv(3, 2 * growth, bias=False)]
    for index, count in enumerate(blocks):
        for _ in range(count):
            layers.append(Dense(width, growth))
            width += growth
        if index + 1 < len(blocks):
            layers += [nn.BatchNorm2d(width), nn.ReLU(), conv(width, width // 2, 1, bias=False), nn.AvgPool2d(2)]
            width //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(width, classes))


def network(word, classes):
    name, *numbers = word.split("-")
    networks = {"wrn": wrn, "resnet": resnet, "mobilenet": mobilenet, "mobilenetv2": mobilenetv2, "densenet": densenet}
    return networks[name](classes, *numbers)


class Bench:
    def __init__(self, options):
        self.options = options
        self.layout = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
        self.image = torch.randn(options.batch, 3, 32, 32).contiguous(memory_format=self.layout)
        self.labels = torch.randint(options.classes, (options.batch,))
        self.parameters = 0
        words = ["wrn-16-2", "mobilenetv2-0.5"] if options.net == "pair" else [options.net]
        self.nets = [self.make(word) for word in words]
        self.optimizers = [torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, weight_decay=5e-4)
                           for net in self.nets]

    def make(self, word):
        net = network(word, self.options.classes).to(memory_format=self.layout).train()
        self.parameters += sum(one.numel() for one in net.parameters())
        return torch.compile(net) if self.options.compile else net

    def logits(self, index):
        cast = (torch.autocast("cpu", torch.bfloat16) if self.options.precision == "bf16"
                else contextlib.nullcontext())
        with cast:
            return self.nets[index](self.image).float()

    def learn(self, index, loss):
        self.optimizers[index].zero_grad()
        loss.backward()
        self.optimizers[index].step()

    def divergence(self, of, to):
        return functional.kl_div(functional.log_softmax(of, 1), functional.softmax(to.detach(), 1),
                                 reduction="batchmean")

    def train(self):
        self.learn(0, functional.cross_entropy(self.logits(0), self.labels))

    def infer(self):
        self.nets[0].eval()
        with torch.no_grad():
            self.logits(0)
        self.nets[0].train()

    def both(self):
        out = [self.logits(0), self.logits(1)]
        for index in range(2):
            self.learn(index, functional.cross_entropy(out[index], self.labels)
                       + self.divergence(out[index], out[1 - index]))

    def student_only(self):
        with torch.no_grad():
            teacher = self.logits(0)
        student = self.logits(1)
        self.learn(1, functional.cross_entropy(student, self.labels) + self.divergence(student, teacher))

    def times(self, step):
        samples = []
        for index in range(self.options.warmup + self.options.steps):
            start = time.perf_counter()
            step()
            if index >= self.options.warmup:
                samples.append(1e3 * (time.perf_counter() - start))
        return samples

    def run(self):
        if self.options.net == "pair":
            return {"learning": self.times(self.both), "expert": self.times(self.student_only)}
        # Memory is that of training: inference needs less
        return {"learning": self.times(self.train), "inference": self.times(self.infer)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--net", required=True, help="wrn-16-2, resnet-20, mobilenetv2-0.5, ..., or pair")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--layout", choices=["default", "channels_last"], default="default")
    parser.add_argument("--compile", action="store_true", help="torch.compile, where there is one")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--warmup", type=int, default=3)
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    bench = Bench(options)
    result = {"torch": torch.__version__, "parameters": bench.parameters, "samples_ms": bench.run()}
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
