#!/usr/bin/env python3
"""Writes names/*.txt: every tensor of a network's PyTorch state dict, one a line: name, role, shape.

Needs PyTorch, so it runs by hand when a network is added, not in the build: python3 names.py. The modules
below hold parameters only (no forward): their attribute names and order are those of the released models.
"""
import pathlib

from torch import nn


class WrnBlock(nn.Module):
    """Released code of SwitOKD: everything with a bias."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), nn.Conv2d(after, after, 3)
        self.shortcut = nn.Sequential(*([nn.Conv2d(before, after, 1)] if stride > 1 or before != after else []))


class WrnStandardBlock(nn.Module):
    """RepDistiller's: no biases."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), nn.Conv2d(after, after, 3, bias=False)
        if before != after:
            self.convShortcut = nn.Conv2d(before, after, 1, bias=False)


class ResNetBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, bias=False), nn.BatchNorm2d(after)


def stages(block, blocks, widths):
    """Three lists of blocks, the first of each with the change of width."""
    before, out = 16, []
    for number, width in enumerate(widths):
        one = []
        for index in range(blocks):
            one.append(block(before, width, 2 if number and not index else 1))
            before = width
        out.append(nn.Sequential(*one))
    return out


class Wrn(nn.Module):
    def __init__(self, depth, width, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3)
        self.layer1, self.layer2, self.layer3 = stages(WrnBlock, (depth - 4) // 6, [16 * width, 32 * width, 64 * width])
        self.bn1, self.linear = nn.BatchNorm2d(64 * width), nn.Linear(64 * width, classes)


class Layer(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer


class WrnStandard(nn.Module):
    def __init__(self, depth, width, classes):
        super().__init__()
        widths = [16 * width, 32 * width, 64 * width]
        self.conv1 = nn.Conv2d(3, 16, 3, bias=False)
        self.block1, self.block2, self.block3 = map(Layer, stages(WrnStandardBlock, (depth - 4) // 6, widths))
        self.bn1, self.fc = nn.BatchNorm2d(64 * width), nn.Linear(64 * width, classes)


class ResNet(nn.Module):
    def __init__(self, depth, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = stages(ResNetBlock, (depth - 2) // 6, [16, 32, 64])
        self.linear = nn.Linear(64, classes)


def unit(before, after, kernel, groups=1):
    return [nn.Conv2d(before, after, kernel, groups=groups, bias=False), nn.BatchNorm2d(after)]


class Inverted(nn.Module):
    def __init__(self, *parts):
        super().__init__()
        self.conv = nn.Sequential(*parts)


TABLE = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]


class MobileCifar(nn.Module):
    """RepDistiller's: containers are flat, ReLUs take a number."""

    def __init__(self, width, classes):
        super().__init__()
        before = int(32 * width)
        self.conv1 = nn.Sequential(*unit(3, before, 3))
        self.blocks = nn.ModuleList()
        for expansion, channels, count in TABLE:
            after, one = int(channels * width), []
            for _ in range(count):
                wide = before * expansion
                one.append(Inverted(*unit(before, wide, 1), nn.ReLU(), *unit(wide, wide, 3, wide), nn.ReLU(),
                                    *unit(wide, after, 1)))
                before = after
            self.blocks.append(nn.Sequential(*one))
        last = int(1280 * max(width, 1))
        self.conv2, self.classifier = nn.Sequential(*unit(before, last, 1)), nn.Sequential(nn.Linear(last, classes))


def multiple_of_8(value):
    near = max(8, int(value + 4) // 8 * 8)
    return near + 8 if near < 0.9 * value else near


class MobileTorchvision(nn.Module):
    """Torchvision's: convolution, norm and ReLU6 are one container each but at the end of a block."""

    def __init__(self, width, classes):
        super().__init__()
        before = multiple_of_8(32 * width)
        features = [nn.Sequential(*unit(3, before, 3))]
        for expansion, channels, count in TABLE:
            after = multiple_of_8(channels * width)
            for _ in range(count):
                wide = before * expansion
                expand = [nn.Sequential(*unit(before, wide, 1))] if expansion > 1 else []
                features.append(Inverted(*expand, nn.Sequential(*unit(wide, wide, 3, wide)), *unit(wide, after, 1)))
                before = after
        last = multiple_of_8(1280 * max(width, 1))
        features.append(nn.Sequential(*unit(before, last, 1)))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))


class ResNetLarge(nn.Module):
    """Torchvision's, with two convolutions a block."""

    BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}

    class Block(ResNetBlock):
        def __init__(self, before, after, stride):
            super().__init__(before, after, stride)
            if stride > 1 or before != after:
                self.downsample = nn.Sequential(*unit(before, after, 1))

    def __init__(self, depth, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, bias=False), nn.BatchNorm2d(64)
        before = 64
        for stage, count in enumerate(self.BLOCKS[depth]):
            after, one = 64 << stage, []
            for index in range(count):
                one.append(self.Block(before, after, 2 if stage and not index else 1))
                before = after
            setattr(self, f"layer{stage + 1}", nn.Sequential(*one))
        self.fc = nn.Linear(512, classes)


class ResNetTiny(nn.Module):
    """Released code of SwitOKD for Tiny-ImageNet."""

    class Block(nn.Module):
        def __init__(self, before, after, stride):
            super().__init__()
            self.left = nn.Sequential(*unit(before, after, 3), nn.ReLU(), *unit(after, after, 3))
            self.shortcut = nn.Sequential(*(unit(before, after, 1) if stride > 1 or before != after else []))

    def __init__(self, depth, classes):
        super().__init__()
        self.conv1 = nn.Sequential(*unit(3, 64, 3), nn.ReLU())
        before = 64
        for stage, count in enumerate(ResNetLarge.BLOCKS[depth]):
            after, one = 64 << stage, []
            for index in range(count):
                one.append(self.Block(before, after, 2 if stage and not index else 1))
                before = after
            setattr(self, f"layer{stage + 1}", nn.Sequential(*one))
        self.fc = nn.Linear(512, classes)


class MobileNet(nn.Module):
    class Block(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            self.conv1, self.bn1 = unit(before, before, 3, before)
            self.conv2, self.bn2 = unit(before, after, 1)

    def __init__(self, classes):
        super().__init__()
        widths = [64, 128, 128, 256, 256] + [512] * 6 + [1024, 1024]
        self.conv1, self.bn1 = unit(3, 32, 3)
        self.layers = nn.Sequential(*[self.Block(a, b) for a, b in zip([32] + widths, widths)])
        self.linear = nn.Linear(1024, classes)


class Vgg(nn.Module):
    """RepDistiller's; pools and ReLUs hold nothing, but ReLUs count in the numbering."""

    COUNTS = {8: (1, 1, 1, 1, 1), 13: (2, 2, 2, 2, 2)}

    def __init__(self, depth, classes):
        super().__init__()
        before = 3
        for block, (count, after) in enumerate(zip(self.COUNTS[depth], (64, 128, 256, 512, 512))):
            one = []
            for _ in range(count):
                one += [nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.ReLU()]
                before = after
            setattr(self, f"block{block}", nn.Sequential(*one[:-1]))
        self.classifier = nn.Linear(512, classes)


class ShuffleV2(nn.Module):
    """RepDistiller's."""

    class Units(nn.Module):
        def __init__(self, *sizes):
            super().__init__()
            for index, size in enumerate(sizes):
                conv, norm = unit(*size)
                setattr(self, f"conv{index + 1}", conv)
                setattr(self, f"bn{index + 1}", norm)

    def __init__(self, widths, blocks, last, classes):
        super().__init__()
        self.conv1, self.bn1 = unit(3, 24, 1)
        before = 24
        for stage, (after, count) in enumerate(zip(widths, blocks)):
            half = after // 2
            one = [self.Units((before, before, 3, before), (before, half, 1), (before, half, 1), (half, half, 3, half),
                              (half, half, 1))]
            one += [self.Units((half, half, 1), (half, half, 3, half), (half, half, 1)) for _ in range(count)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*one))
            before = after
        self.conv2, self.bn2 = unit(before, last, 1)
        self.linear = nn.Linear(last, classes)


class DenseNet(nn.Module):
    """kuangliu's."""

    class Layer(nn.Module):
        def __init__(self, before, growth):
            super().__init__()
            self.bn1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, 4 * growth, 1, bias=False)
            self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, bias=False)

    class Transition(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            self.bn, self.conv = nn.BatchNorm2d(before), nn.Conv2d(before, after, 1, bias=False)

    def __init__(self, blocks, growth, classes):
        super().__init__()
        before = 2 * growth
        self.conv1 = nn.Conv2d(3, before, 3, bias=False)
        for number, count in enumerate(blocks, 1):
            one = [self.Layer(before + i * growth, growth) for i in range(count)]
            setattr(self, f"dense{number}", nn.Sequential(*one))
            before += count * growth
            if number < len(blocks):
                setattr(self, f"trans{number}", self.Transition(before, before // 2))
                before //= 2
        self.bn, self.linear = nn.BatchNorm2d(before), nn.Linear(before, classes)


class Mlp(nn.Module):
    def __init__(self, features, hidden, classes):
        super().__init__()
        for index, (before, after) in enumerate(zip([features] + hidden, hidden + [classes])):
            setattr(self, f"fc{index + 1}", nn.Linear(before, after))


NETWORKS = {
    "wrn-16-1": Wrn(16, 1, 10),
    "wrn-16-2": Wrn(16, 2, 100),
    "wrn-16-8": Wrn(16, 8, 10),
    "wrn-16-10": Wrn(16, 10, 100),
    "wrn-16-2-standard": WrnStandard(16, 2, 100),
    "resnet-20": ResNet(20, 100),
    "resnet-56": ResNet(56, 10),
    "mobilenetv2-0.5": MobileCifar(0.5, 100),
    "mobilenetv2-1.4-torchvision": MobileTorchvision(1.4, 200),
    "mobilenetv2-1.0": MobileCifar(1, 100),
    "resnet-18": ResNetLarge(18, 1000),
    "resnet-34": ResNetLarge(34, 1000),
    "resnet-34-tiny": ResNetTiny(34, 200),
    "mobilenet": MobileNet(100),
    "vgg-8": Vgg(8, 100),
    "vgg-13": Vgg(13, 100),
    "shufflenetv2": ShuffleV2((116, 232, 464), (3, 7, 3), 1024, 100),
    "shufflenetv2-0.2": ShuffleV2((40, 80, 160), (3, 3, 3), 512, 10),
    "densenet": DenseNet((6, 12, 24, 16), 12, 10),
    "mlp": Mlp(3 * 32 * 32, [64, 32], 10),
}


def main():
    folder = pathlib.Path(__file__).parent / "names"
    folder.mkdir(exist_ok=True)
    for name, network in NETWORKS.items():
        trainable = {key for key, _ in network.named_parameters()}
        lines = [f"{key} {'trainable' if key in trainable else 'statistic'} {'x'.join(map(str, value.shape))}\n"
                 for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")]
        (folder / f"{name}.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
