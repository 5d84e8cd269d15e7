"""Weak and ambiguous views of matched pairs, made batch-wise with grid_sample in the DataLoader's workers."""

import math

import h5py
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, Sampler

MEAN, DEVIATION = 0.5, 0.25


def load_split(path, split):
    """Images [N, S, S, c] uint8, labels [N] int64 and the number of classes (docs/data-format.md)."""
    with h5py.File(path, "r") as file:
        group = file[f"original/{split}"]
        images = torch.from_numpy(group["images"][...])
        labels = torch.from_numpy(group["labels"][...]).long()
        return images, labels, len(file.attrs["classes"])


class PairBatches(Sampler):
    """Batches of one rank: a random pairing of all samples an epoch, partners adjacent, the remainder left out."""

    def __init__(self, samples, global_batch, rank, ranks, seed):
        if global_batch > samples:
            raise ValueError(f"--batch {global_batch} is larger than the {samples} faces of the store")
        self.samples, self.pairs, self.rank, self.ranks, self.seed = samples, global_batch // 2, rank, ranks, seed
        self.epoch = 0

    def __len__(self):
        return self.samples // 2 // self.pairs

    def __iter__(self):
        order = torch.randperm(self.samples, generator=torch.Generator().manual_seed(self.seed + self.epoch))
        pairs = order[: self.samples // 2 * 2].view(-1, 2)
        share = self.pairs // self.ranks
        for step in range(len(self)):
            first = step * self.pairs + self.rank * share
            yield pairs[first : first + share].flatten()


def uniform(count, low, high):
    return torch.empty(count).uniform_(low, high)


def affine(flip, angle, scale, shift_x, shift_y):
    """View -> stored maps [B, 2, 3] of a content that is mirrored, turned, enlarged and then shifted."""
    cosine, sine = angle.cos() / scale, angle.sin() / scale
    tx, ty = 2 * shift_x, 2 * shift_y
    rows = [flip * cosine, flip * sine, -flip * (cosine * tx + sine * ty), -sine, cosine, sine * tx - cosine * ty]
    return torch.stack(rows, 1).view(-1, 2, 3)


def mirrored(count):
    return 1 - 2 * (torch.rand(count) < 0.5).float()


def warp(images, theta):
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def column(values):
    return values.view(-1, 1, 1, 1)


def photometric(images, contrast, brightness):
    return images.sub_(127.5).mul_(column(contrast)).add_(column(127.5 + 255 * brightness))


def saturate(images, factor, grey):
    luma = (images * images.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return luma + (images - luma) * column(factor * (1 - grey))


def erase(images):
    """With probability 0.5 one rectangle of 2-25 % of the area and aspect 0.3-3.3 becomes random bytes."""
    count, _, size, _ = images.shape
    area = uniform(count, 0.02, 0.25) * size * size
    aspect = uniform(count, math.log(0.3), math.log(3.3)).exp()
    width, height = (area / aspect).sqrt().round().clamp(1, size), (area * aspect).sqrt().round().clamp(1, size)
    x0, y0 = (torch.rand(count) * (size - width + 1)).floor(), (torch.rand(count) * (size - height + 1)).floor()
    width *= torch.rand(count) < 0.5
    at = torch.arange(size)
    columns = (at >= x0[:, None]) & (at < (x0 + width)[:, None])
    rows = (at >= y0[:, None]) & (at < (y0 + height)[:, None])
    inside = (rows[:, :, None] & columns[:, None, :]).unsqueeze(1)
    return torch.where(inside, torch.randint(0, 256, images.shape, dtype=torch.uint8).float(), images)


def to_bytes(images):
    return images.clamp_(0, 255).round_()


def normalise(images):
    out = images.mul_(1 / (255 * DEVIATION)).sub_(MEAN / DEVIATION)
    return out.contiguous(memory_format=torch.channels_last)


def weak_views(images):
    count = len(images)
    still, plain = torch.zeros(count), torch.ones(count)
    theta = affine(mirrored(count), still, plain, uniform(count, -0.06, 0.06), uniform(count, -0.06, 0.06))
    view = photometric(warp(images, theta), uniform(count, 0.9, 1.1), uniform(count, -0.1, 0.1))
    return normalise(to_bytes(view)), theta


def ambiguous_views(images):
    count, channels = images.shape[:2]
    share = torch.rand(count)
    weight = torch.maximum(share, 1 - share).clamp_max(1 - 1e-4)
    partner = images.view(-1, 2, *images.shape[1:]).flip(1).view_as(images)
    mixed = torch.lerp(partner, images, column(weight))
    turn = math.radians(10)
    theta = affine(mirrored(count), uniform(count, -turn, turn), uniform(count, 0.9, 1.1),
                   uniform(count, -0.05, 0.05), uniform(count, -0.05, 0.05))
    view = photometric(warp(mixed, theta), uniform(count, 0.7, 1.3), uniform(count, -0.3, 0.3))
    if channels == 3:
        view = saturate(view, uniform(count, 0.7, 1.3), (torch.rand(count) < 0.1).float())
    return normalise(erase(to_bytes(view))), theta, weight


class Views(Dataset):
    """Takes the indices of a whole batch, so that every tensor operation is over the batch."""

    def __init__(self, images, ambiguous):
        self.images, self.ambiguous = images, ambiguous

    def __getitem__(self, index):
        images = self.images[index].permute(0, 3, 1, 2).float()
        weak, weak_theta = weak_views(images)
        batch = {"sample": index, "weak": weak, "weak_theta": weak_theta}
        if self.ambiguous:
            batch["ambiguous"], batch["ambiguous_theta"], batch["weight"] = ambiguous_views(images)
        return batch


def make_loader(images, batches, ambiguous, workers):
    options = {"persistent_workers": True, "prefetch_factor": 4} if workers > 0 else {}
    return DataLoader(Views(images, ambiguous), sampler=batches, batch_size=None, num_workers=workers,
                      pin_memory=torch.cuda.is_available(), **options)
