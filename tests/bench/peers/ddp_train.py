#!/usr/bin/env python3
"""PyTorch DistributedDataParallel (gloo, CPU) peer of `penumbra train`: same data, nets, loss and optimizer, written as
a PyTorch user would. Prints one JSON line with its speed, end to end. See README.md beside this file."""

import argparse
import json
import math
import os
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import fp16_compress_hook
from torch.nn.parallel import DistributedDataParallel

from nets import BLOCKS, DualNet
from objective import Banks, MapWarp, objective
from ports import free_port
from views import PairBatches, load_split, make_loader


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--store", required=True, help="HDF5 store of `penumbra data`")
    p.add_argument("--split", default="train")
    p.add_argument("--method", choices=["full", "ce_only", "mixup_only"], default="full")
    p.add_argument("--depth", type=int, choices=sorted(BLOCKS), default=18)
    p.add_argument("--width", type=int, default=64)
    p.add_argument("--stem", choices=["small", "imagenet"], default="small")
    p.add_argument("--stem-stride", type=int, choices=[1, 2, 3], default=1)
    p.add_argument("--last-stride", type=int, choices=[1, 2], default=2)
    p.add_argument("--batch", type=int, default=64, help="faces a step over all ranks")
    p.add_argument("--epochs", type=int, default=12, help="of the whole run: sets ramps and rate, not the length")
    p.add_argument("--learning-rate", type=float, default=0.05, help="peak; one epoch of warm-up, then cosine")
    p.add_argument("--weight-decay", type=float, default=5e-4)
    p.add_argument("--ranks", type=int, default=1)
    p.add_argument("--rank", type=int, help="be this one rank, with MASTER_ADDR and MASTER_PORT set; default: start all here")
    p.add_argument("--fp16-wire", action="store_true", help="DDP's fp16 compression hook")
    p.add_argument("--bucket-mib", type=float, default=25, help="DDP's bucket_cap_mb")
    p.add_argument("--threads", type=int, default=1, help="compute threads a rank")
    p.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="cuda: one rank only")
    p.add_argument("--bf16", action="store_true", help="autocast of the nets")
    p.add_argument("--compile", choices=["default", "reduce-overhead"], help="torch.compile the nets, in this mode")
    p.add_argument("--workers", type=int, default=0, help="DataLoader workers a rank; 0: views in the main process")
    p.add_argument("--warm-up-steps", type=int, default=10)
    p.add_argument("--steps", type=int, default=50, help="measured steps, after the warm-up")
    p.add_argument("--broadcast-buffers", action=argparse.BooleanOptionalAction, default=True,
                   help="DDP's own default: rank 0's running statistics go to all ranks before each forward pass")
    p.add_argument("--seed", type=int, default=1)
    options = p.parse_args()
    if options.batch < 1 or options.batch % (2 * options.ranks) != 0:
        p.error(f"--batch must be a multiple of {2 * options.ranks}: each rank takes whole pairs")
    return options


def make_optimizer(model, options):
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": options.weight_decay},
              {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=options.learning_rate, momentum=0.9, nesterov=True, fused=True)


def learning_rate_share(epoch, epochs):
    if epoch < 1:
        return epoch
    return (1 + math.cos(math.pi * min((epoch - 1) / max(epochs - 1, 1), 1))) / 2


class Trainer:
    def __init__(self, options, rank):
        images, labels, classes = load_split(options.store, options.split)
        self.options, self.view_size = options, images.shape[1]
        self.batches = PairBatches(len(images), options.batch, rank, options.ranks, options.seed)
        self.loader = make_loader(images, self.batches, options.method != "ce_only", options.workers)
        self.banks = Banks(labels.to(options.device), classes)
        torch.manual_seed(options.seed)  # the same initial weights on every rank
        net = DualNet(options.method, depth=options.depth, width=options.width, stem=options.stem,
                      stem_stride=options.stem_stride, last_stride=options.last_stride, channels=images.shape[3],
                      classes=classes).to(options.device, memory_format=torch.channels_last)
        self.parameters = sum(p.numel() for p in net.parameters())
        self.field, self.warp = net.original.receptive_field(), None
        self.autocast = torch.autocast(options.device, torch.bfloat16, enabled=options.bf16)
        self.optimizer = make_optimizer(net, options)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: learning_rate_share((step + 0.5) / len(self.batches), options.epochs))
        net = torch.compile(net, mode=options.compile) if options.compile else net
        self.net = net if options.ranks == 1 else DistributedDataParallel(
            net, gradient_as_bucket_view=True, bucket_cap_mb=options.bucket_mib, broadcast_buffers=options.broadcast_buffers)
        if options.fp16_wire:
            self.net.register_comm_hook(None, fp16_compress_hook)
        torch.manual_seed(options.seed * 1000 + rank)  # other views on every rank
        self.stream, self.wait = self.endless(), 0.0

    def endless(self):
        while True:
            yield from self.loader
            self.banks.end_epoch()
            self.batches.epoch += 1

    def step(self):
        begin = time.perf_counter()
        batch = {name: values.to(self.options.device, non_blocking=True) for name, values in next(self.stream).items()}
        self.wait += time.perf_counter() - begin
        with self.autocast:
            out = self.net(batch["weak"], batch.get("ambiguous"))
        out = {name: values.float() for name, values in out.items()}
        if self.warp is None and self.options.method == "full":
            self.warp = MapWarp(self.field, self.view_size, out["original_maps"].shape[-1], self.options.device)
        epoch = self.schedule.last_epoch / len(self.batches)
        loss = objective(out, batch, self.banks, self.options.method, self.warp, epoch, self.options.epochs)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.banks.update(batch["sample"], out, batch.get("weight"))
        return loss.detach()


def barrier():
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    if dist.is_initialized():
        dist.barrier()


def measure(options, rank):
    torch.set_num_threads(options.threads)
    trainer = Trainer(options, rank)
    first = [trainer.step().item() for _ in range(options.warm_up_steps)]
    trainer.wait = 0.0
    barrier()
    begin = time.perf_counter()
    losses = [trainer.step() for _ in range(options.steps)]
    barrier()
    seconds = time.perf_counter() - begin
    if rank != 0:
        return
    speed = options.steps / seconds
    print(json.dumps({
        "peer": f"pytorch {torch.__version__} ddp/gloo", "method": options.method, "ranks": options.ranks,
        "threads": options.threads, "workers": options.workers, "batch": options.batch,
        "parameters": trainer.parameters, "steps": options.steps, "seconds": round(seconds, 3),
        "steps_per_second": round(speed, 4), "images_per_second": round(speed * options.batch, 2),
        "wait_share": round(trainer.wait / seconds, 4), "first_loss": round(first[0], 4) if first else None,
        "last_loss": round(losses[-1].item(), 4)}), flush=True)


def run_rank(rank, options, port):
    if options.ranks > 1:
        if options.rank is None:
            os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        dist.init_process_group("gloo", rank=rank, world_size=options.ranks)
    measure(options, rank)
    if dist.is_initialized():
        dist.destroy_process_group()


def main():
    options = arguments()
    if options.ranks == 1 or options.rank is not None:
        run_rank(options.rank or 0, options, 0)
    else:
        mp.spawn(run_rank, args=(options, free_port()), nprocs=options.ranks)


if __name__ == "__main__":
    main()
