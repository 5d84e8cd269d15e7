"""The loss of docs/method.md, sections 3 to 5, at its defaults."""

import math

import torch
import torch.distributed as dist
import torch.nn.functional as F

ATTENTION_WEIGHT, ALIGNMENT_WEIGHT, BETA_MAX = 5.0, 0.6, 0.5


def partner(rows):
    return rows.view(-1, 2, *rows.shape[1:]).flip(1).view_as(rows)


def mix(rows, weight):
    weight = weight.view(-1, *[1] * (rows.dim() - 1))
    return weight * rows + (1 - weight) * partner(rows)


def ramp(t, length):
    return 0.0 if t < 0 else math.exp(-5 * (1 - min(t / length, 1)) ** 2)


def cross_entropy(target, logits):
    return F.cross_entropy(logits, target, reduction="none")


def kl(log_p, log_q):
    return (log_p.exp() * (log_p - log_q)).sum(1)


def log_mixture(log_p, log_q, weight):
    weight = weight.unsqueeze(1)
    return torch.logaddexp(log_p + weight.log(), log_q + (1 - weight).log())


def js(log_p, log_q):
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return (kl(log_p, log_m) + kl(log_q, log_m)) / 2


def homogeneous(theta):
    last = theta.new_tensor([0.0, 0.0, 1.0]).expand(len(theta), 1, 3)
    return torch.cat([theta, last], 1)


class MapWarp:
    """Carries attention maps of weak views into the frames of ambiguous views, on cell centres."""

    def __init__(self, field, view_size, cells, device):
        self.field, self.view_size, self.cells = field, view_size, cells
        offset, stride = field
        centre = (2 * (offset + stride * torch.arange(cells, device=device)) + 1) / view_size - 1
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        self.points = torch.stack([x, y, torch.ones_like(x)], -1).view(-1, 3)
        self.ones = torch.ones(1, 1, cells, cells, device=device)

    def __call__(self, maps, weak_theta, ambiguous_theta):
        """Warped maps [B, C, h, w] and whether a cell is covered [B, 1, h, w]."""
        offset, stride = self.field
        across = torch.linalg.solve(homogeneous(weak_theta), homogeneous(ambiguous_theta))[:, :2]
        at = self.points @ across.transpose(1, 2)
        cell = ((at + 1) * self.view_size / 2 - 0.5 - offset) / stride
        grid = ((2 * cell + 1) / self.cells - 1).view(-1, self.cells, self.cells, 2)
        covered = F.grid_sample(self.ones.expand(len(maps), -1, -1, -1), grid, align_corners=False) > 0.99
        return F.grid_sample(maps, grid, align_corners=False), covered


def centred(maps, inside, count):
    return (maps - (maps * inside).sum((2, 3), keepdim=True) / count) * inside


def attention_loss(out, batch, warp):
    """Mean squared difference of the centred maps over classes and covered cells, [B]."""
    maps = out["original_maps"]
    own, covered = warp(maps, batch["weak_theta"], batch["ambiguous_theta"])
    other, covered_too = warp(partner(maps), partner(batch["weak_theta"]), batch["ambiguous_theta"])
    weight = batch["weight"].view(-1, 1, 1, 1)
    inside = (covered & covered_too).float()
    count = inside.sum((2, 3), keepdim=True).clamp_min(1)
    target = weight * own + (1 - weight) * other
    difference = centred(target, inside, count) - centred(out["ambiguous_maps"], inside, count)
    return difference.square().sum((1, 2, 3)) / (count.flatten() * maps.shape[1])


class Banks:
    """Posteriors and divergences of the last epoch, and the sums that become the next ones."""

    def __init__(self, labels, classes):
        self.labels = F.one_hot(labels, classes).float()
        self.posterior = torch.full_like(self.labels, 1 / classes)
        self.divergence = torch.zeros(len(labels), device=labels.device)
        self.visited = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
        self.sums = torch.zeros(len(labels), classes + 2, device=labels.device)
        self.refresh()

    def refresh(self):
        entropy = -torch.xlogy(self.posterior, self.posterior).sum(1) / math.log(self.labels.shape[1])
        self.uncertainty = torch.where(self.visited, (entropy + self.divergence) / 2, 0)
        weight = 1 - self.uncertainty / 2
        self.weight = weight / weight.mean()

    def soft_labels(self, sample, share):
        beta = (BETA_MAX * share * self.uncertainty[sample]).unsqueeze(1)
        return (1 - beta) * self.labels[sample] + beta * self.posterior[sample]

    @torch.no_grad()
    def update(self, sample, out, weight):
        log_o = F.log_softmax(out["original"], 1)
        divergence = log_o.new_zeros(len(sample))
        if weight is not None:
            log_m = log_mixture(log_o, partner(log_o), weight)
            divergence = js(log_m, F.log_softmax(out["ambiguous"], 1)) / math.log(2)
        rows = torch.cat([log_o.exp(), divergence.unsqueeze(1), log_o.new_ones(len(sample), 1)], 1)
        self.sums.index_add_(0, sample, rows)

    def end_epoch(self):
        if dist.is_initialized():
            dist.all_reduce(self.sums)
        count = self.sums[:, -1]
        mean = self.sums[:, :-1] / count.clamp_min(1).unsqueeze(1)
        keep = torch.where(count == 0, 1.0, torch.where(self.visited, 0.6, 0.0)).unsqueeze(1)
        self.posterior = keep * self.posterior + (1 - keep) * mean[:, :-1]
        self.divergence = keep[:, 0] * self.divergence + (1 - keep[:, 0]) * mean[:, -1]
        self.visited |= count > 0
        self.sums.zero_()
        self.refresh()


def objective(out, batch, banks, method, warp, epoch, epochs):
    """Mean over the local batch; DDP averages over the ranks. `epoch` is real."""
    if method != "full":
        target = banks.labels[batch["sample"]]
        loss = cross_entropy(target, out["original"])
        if method == "mixup_only":
            loss = loss + cross_entropy(mix(target, batch["weight"]), out["ambiguous"])
        return loss.mean()
    length, since_warm_up = 0.3 * epochs, epoch - 0.15 * epochs
    weight, target = batch["weight"], banks.soft_labels(batch["sample"], ramp(since_warm_up, length))
    omega = mix(banks.weight[batch["sample"]], weight) if since_warm_up >= 0 else 1.0
    log_o, log_a = F.log_softmax(out["original"], 1), F.log_softmax(out["ambiguous"], 1)
    log_m = log_mixture(log_o, partner(log_o), weight)
    alignment = kl(log_m.detach(), log_a) + kl(log_a.detach(), log_m)
    loss = cross_entropy(target, out["original"]) + cross_entropy(mix(target, weight), out["ambiguous"])
    coupling = ATTENTION_WEIGHT * attention_loss(out, batch, warp) + ALIGNMENT_WEIGHT * alignment
    return (loss + ramp(epoch, length) * omega * coupling).mean()
