"""The two sub-nets: torchvision's ResNet (v1.5 bottlenecks) with the stems of trainer/nets/resnet.h."""

import copy

import torch
from torch import nn

BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def convolution(channels_in, channels_out, kernel, stride=1, padding=None):
    padding = kernel // 2 if padding is None else padding
    return nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False)


class Block(nn.Module):
    """Basic (two 3x3) or bottleneck (1x1, 3x3, 1x1) residual block."""

    def __init__(self, channels_in, inner, stride, bottleneck):
        super().__init__()
        out = inner * 4 if bottleneck else inner
        shape = [(channels_in, inner, 1, 1), (inner, inner, 3, stride), (inner, out, 1, 1)] if bottleneck else [
            (channels_in, inner, 3, stride), (inner, inner, 3, 1)]
        layers = []
        for index, (a, b, kernel, step) in enumerate(shape):
            layers += [convolution(a, b, kernel, step), nn.BatchNorm2d(b)]
            if index + 1 < len(shape):
                layers.append(nn.ReLU(inplace=True))
        self.body = nn.Sequential(*layers)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels_in != out:
            self.downsample = nn.Sequential(convolution(channels_in, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.body(x).add_(shortcut))


class ResNet(nn.Module):
    def __init__(self, depth, width, stem, stem_stride, last_stride, channels, classes):
        super().__init__()
        if stem == "imagenet":
            first = [convolution(channels, width, 7, 2, 3), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
                     nn.MaxPool2d(3, 2, 1)]
        else:
            first = [convolution(channels, width, 5 if stem_stride == 3 else 3, stem_stride, 1), nn.BatchNorm2d(width),
                     nn.ReLU(inplace=True)]
        self.stem = nn.Sequential(*first)
        blocks, channels_in, bottleneck = [], width, depth >= 50
        for stage, count in enumerate(BLOCKS[depth]):
            for index in range(count):
                stride = 1 if index > 0 or stage == 0 else (last_stride if stage == 3 else 2)
                block = Block(channels_in, width << stage, stride, bottleneck)
                channels_in = (width << stage) * (4 if bottleneck else 1)
                blocks.append(block)
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(channels_in, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        features = self.blocks(self.stem(x))
        return features, self.fc(features.mean((2, 3)))

    def receptive_field(self):
        """Offset and stride in pixels of the centres that the cells of the feature map look at."""
        offset, stride = 0.0, 1
        layers = [m for m in self.stem if isinstance(m, (nn.Conv2d, nn.MaxPool2d))]
        layers += [m for block in self.blocks for m in block.body if isinstance(m, nn.Conv2d)]
        for layer in layers:
            kernel, step, padding = (v[0] if isinstance(v, tuple) else v
                                     for v in (layer.kernel_size, layer.stride, layer.padding))
            offset += stride * ((kernel - 1) / 2 - padding)
            stride *= step
        return offset, stride


def attention_maps(features, fc):
    """Class activation maps [B, C, h, w]; the head gets no gradient from them."""
    return nn.functional.conv2d(features, fc.weight.detach()[:, :, None, None])


class DualNet(nn.Module):
    """One module, so that one DDP wrapper reduces the gradients of both nets."""

    def __init__(self, method, **options):
        super().__init__()
        self.original = ResNet(**options)
        self.ambiguous = copy.deepcopy(self.original) if method == "full" else None
        self.method = method

    def forward(self, weak, ambiguous):
        features, logits = self.original(weak)
        out = {"original": logits}
        if self.method == "full":
            other_features, out["ambiguous"] = self.ambiguous(ambiguous)
            out["original_maps"] = attention_maps(features, self.original.fc)
            out["ambiguous_maps"] = attention_maps(other_features, self.ambiguous.fc)
        elif self.method == "mixup_only":
            out["ambiguous"] = self.original(ambiguous)[1]
        return out
