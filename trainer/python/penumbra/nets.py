"""The ResNet of trainer/nets/resnet.h in plain PyTorch, with torchvision's names."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    """A residual block: two 3x3 convolutions, or with `bottleneck` 1x1, 3x3 and 1x1."""

    def __init__(self, inputs: int, inner: int, stride: int, bottleneck: bool):
        super().__init__()
        outputs = 4 * inner if bottleneck else inner
        layers = [(inputs, inner, 3, stride), (inner, inner, 3, 1)]
        if bottleneck:
            layers = [(inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1)]
        self.depth = len(layers)
        for number, layer in enumerate(layers, 1):
            self.add_module(f"conv{number}", _convolution(*layer))
            self.add_module(f"bn{number}", nn.BatchNorm2d(layer[1]))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                _convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for number in range(1, self.depth + 1):
            if number > 1:
                y = functional.relu(y)
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
        if self.downsample is not None:
            x = self.downsample(x)
        return functional.relu(x + y)


class ResNet(nn.Module):
    """Normalised images [B, channels, S, S] to logits [B, classes].

    net: the table [net] of a run's config.toml.
    """

    def __init__(self, net: dict, channels: int, classes: int):
        super().__init__()
        width, bottleneck = net["width"], net["depth"] >= 50
        self.pools = net["stem"] == "imagenet"
        if self.pools:
            self.conv1 = _convolution(channels, width, 7, 2)
        else:
            kernel = 5 if net["stem_stride"] == 3 else 3
            self.conv1 = nn.Conv2d(channels, width, kernel, net["stem_stride"], 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for stage, blocks in enumerate(BLOCKS[net["depth"]]):
            stride = (1, 2, 2, net["last_stride"])[stage]
            layer = nn.Sequential()
            for index in range(blocks):
                layer.append(
                    Block(inputs, width << stage, stride if index == 0 else 1, bottleneck)
                )
                inputs = (width << stage) * (4 if bottleneck else 1)
            self.add_module(f"layer{stage + 1}", layer)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        if self.pools:
            x = functional.max_pool2d(x, 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))
