"""Times training steps of the reference network in PyTorch, channels_last, for benchmarks/.

    python scripts/time_torch_step.py PRESET BATCH THREADS STEPS

Forward, loss, backward, clipping, AdamW and moving average, as `fer train` does, without augmentation. Prints
the seconds of each step on the CPU, eager and in fp32, after two to warm up.
"""

import sys
import time

import torch
from reference_network import PRESETS, Network, loss_terms


def training_step(preset, batch, device="cpu", autocast=False, compiled=False):
    """A function that trains one step. In bf16 (`autocast`) parameters and moments stay in fp32, as ours do. A
    compiled step is, on a GPU, replayed as CUDA graphs."""
    torch.manual_seed(1)
    options = dict(PRESETS[preset])
    size = options.pop("size")
    network = Network(**options).to(device, memory_format=torch.channels_last).train()
    parameters = list(network.parameters())
    average = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.05, fused=True)
    x = torch.randn(batch, size, size, 3, device=device)
    target = torch.eye(7, device=device)[torch.arange(batch, device=device) % 7]

    def loss():
        with torch.autocast(device, torch.bfloat16, enabled=autocast):
            return loss_terms(network(x), target)["total"]

    if compiled:
        loss = torch.compile(loss, mode="reduce-overhead" if device == "cuda" else None)

    def step():
        optimizer.zero_grad()
        loss().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5)
        optimizer.step()
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1e-3)

    return step


def main(preset, batch, threads, steps):
    torch.set_num_threads(threads)
    step = training_step(preset, batch)
    for i in range(steps + 2):
        start = time.perf_counter()
        step()
        if i >= 2:
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
