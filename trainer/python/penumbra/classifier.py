"""A trained run as a torch.nn.Module that answers as `penumbra predict` does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional

from .nets import ResNet

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NETS = {"original": ["original"], "ambiguous": ["ambiguous"], "mean": ["original", "ambiguous"]}


class Classifier(nn.Module):
    """Pixels of faces to logits; softmax(logits) is the distribution of `penumbra predict`.

    classes:     names, in the order of the logits
    mean, deviation: the nets see (pixel / 255 - mean) / deviation
    temperature: that the answer is calibrated with
    flip:        whether the answer is the mean over the face and its mirror image
    image_size:  side of the images in pixels
    view_size:   side that the nets see them at
    channels:    1 (grey) or 3 (RGB)
    nets:        the ResNets that answer: one, or two whose mean is the answer
    """

    def __init__(self, nets: list[ResNet], config: dict, about: dict, temperature: float):
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.classes = json.loads(about["classes"])
        self.channels = int(about["channels"])
        self.image_size = int(about["image_size"])
        self.view_size = config["data"]["view_size"] or self.image_size
        self.mean = float(config["data"]["mean"])
        self.deviation = float(config["data"]["deviation"])
        self.flip = bool(config["predict"]["flip"])
        self.temperature = temperature

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """pixels: [B, channels, S, S], uint8 or float from 0 to 255, S = image_size.

        Gives [B, classes]: the logarithm of the posterior, divided by the temperature. The
        posterior is a mean of softmaxes, over mirror images and nets; `nets[i](views(pixels))` are
        the logits of one net.
        """
        x = self.views(pixels)
        seen = [x, x.flip(3)] if self.flip else [x]
        answers = [net(view).log_softmax(1) for net in self.nets for view in seen]
        return torch.stack(answers).logsumexp(0).log_softmax(1) / self.temperature

    def views(self, pixels: torch.Tensor) -> torch.Tensor:
        """What the nets see: the pixels at the view's size, normalised."""
        expected = (self.channels, self.image_size, self.image_size)
        if pixels.ndim != 4 or tuple(pixels.shape[1:]) != expected:
            raise ValueError(f"pixels of shape {tuple(pixels.shape)}, not (B, {expected})")
        x = pixels.float()
        if self.view_size != self.image_size:
            size = (self.view_size, self.view_size)
            x = functional.interpolate(x, size, mode="bilinear", align_corners=False).round()
        return (x / 255 - self.mean) / self.deviation

    @torch.no_grad()
    def distribution(self, pixels: torch.Tensor) -> torch.Tensor:
        """[B, classes]: what `penumbra predict` gives. pixels: as for forward()."""
        return self(pixels).softmax(1)


def load_classifier(run, head: str | None, weights: str | None) -> Classifier:
    """What `penumbra.load` gives, on the CPU and in evaluation mode."""
    run = Path(run)
    config = _configuration(run)
    head = head or config["predict"]["head"]
    if head not in NETS:
        raise ValueError(f'head "{head}": use "original", "ambiguous" or "mean"')
    if head != "original" and config["train"]["method"] != "full":
        raise ValueError(f'head "{head}": {run} has trained the original net alone')
    with safe_open(_weights_file(run, weights), "pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    nets = [_net(name, config["net"], about, tensors) for name in NETS[head]]
    temperature = float(about["temperature"]) if about["head"] == head else 1.0
    return Classifier(nets, config, about, temperature).eval()


def _configuration(run: Path) -> dict:
    path = run / "config.toml"
    if not path.exists():
        raise FileNotFoundError(f"{run}: not a run folder: it has no config.toml")
    with path.open("rb") as file:
        return tomllib.load(file)


def _weights_file(run: Path, weights: str | None) -> Path:
    names = [weights] if weights else ["best", "final"]
    files = [run / "weights" / f"{name}.safetensors" for name in names]
    found = [file for file in files if file.exists()]
    if not found:
        raise FileNotFoundError(f"{files[-1]}: no such weights: the run has not got that far")
    return found[0]


def _net(name: str, options: dict, about: dict, tensors: dict) -> ResNet:
    """One net of the file. The ambiguous net's own tensors lie over those that it shares."""
    state = {}
    for prefix in dict.fromkeys(["original.", f"{name}."]):
        own = [key for key in tensors if key.startswith(prefix)]
        state |= {key.removeprefix(prefix): tensors[key] for key in own}
    net = ResNet(options, int(about["channels"]), len(json.loads(about["classes"])))
    missing, unexpected = net.load_state_dict(state, strict=False)
    lacking = {key for key in missing if not key.endswith(".num_batches_tracked")}
    if wrong := sorted(lacking | set(unexpected)):
        raise ValueError(f"the weights do not fit config.toml: {', '.join(wrong)}")
    return net
