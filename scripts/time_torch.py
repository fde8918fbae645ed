"""Times the benchmark's ops and the training step in PyTorch, eager and compiled, for scripts/gpu_report.sh.

    python scripts/time_torch.py --cases cases.json --out torch.json [--ours ours.json] [--seconds 400]

cases.json is what `bench --list` prints; ours.json, a list of what `bench --json` wrote, puts our times beside
PyTorch's. On a GPU an op's time is that of CUDA events; on the CPU there are few cases, with two images each, and
nothing of ours is beside them. Prints a table, and writes JSON anew with every row. Whether the ops compute the same is not checked here: the goldens of the tests
come from PyTorch.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from time_torch_step import training_step
from torch_ops import OPTIMIZERS, build

# What products are made of; tf32: of f32 tensors, where the GPU has it.
PRECISIONS = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16}
STEPS = [("lnl-base", 64), ("lnl-base", 16), ("lnl-tiny", 64)]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def set_precision(name):
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = name == "tf32"


def wall(run):
    start = time.perf_counter()
    run()
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def on_device(run, filled):
    """Seconds that a GPU works on one call. Before it 1 GiB is written: meanwhile the call is queued, so that no
    launch is waited for, and it finds nothing of its own in the cache, as our benchmark does it."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for _ in range(4):
        filled.zero_()
    begin.record()
    run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3


def seconds(run, whole=False):
    """Median after warming up; `whole`: wall time, launches included."""
    for _ in range(3):
        wall(run)
    if DEVICE == "cpu" or whole:
        return statistics.median(wall(run) for _ in range(20 if DEVICE == "cuda" else 3))
    filled = torch.empty(256 << 20, dtype=torch.uint8, device=DEVICE)
    return statistics.median(on_device(run, filled) for _ in range(21))


def time_op(case, precision, compiled):
    built = build(case, DEVICE, PRECISIONS[precision])
    if built is None:
        return None
    run, leaves = built
    if compiled:
        run = torch.compile(run)
    with torch.set_grad_enabled(bool(leaves)):
        result = {"forward": seconds(run)}
        if leaves:
            gradient = torch.randn_like(run())
            both = lambda: torch.autograd.grad(run(), leaves, gradient)  # noqa: E731
            result["forward_backward"] = seconds(both)
    return result


def time_step(preset, batch, precision, compiled):
    step = training_step(preset, batch, DEVICE, precision == "bf16", compiled)
    return {"forward_backward": seconds(step, whole=True)}


def small(case):
    """The same with two images, for a CPU."""
    K = {"conv2d": 5, "average_pool": 5, "max_pool2d": 5}.get(case["op"])

    def cut(i):
        shape = list(i["shape"])
        if i["name"] not in ("weight", "gain", "shift", "bias") and shape:
            batch = 1 if len(shape) == (K or 3) and case["op"] != "linear" or len(shape) == 3 else 0
            shape[batch] = min(shape[batch], 2)
        return {**i, "shape": shape}

    return {**case, "inputs": [cut(i) for i in case["inputs"]]}


def plan(cases, with_steps):
    """(kind, precision, compiled, what): what people use first, for compiling takes long, and steps before ops."""
    precisions = ["bf16", "fp32", "tf32"] if DEVICE == "cuda" else ["fp32", "bf16"]
    steps = STEPS if DEVICE == "cuda" else [("lnl-tiny", 2)]
    if not with_steps:
        steps = []
    if DEVICE == "cpu":
        first = {c["op"]: c for c in reversed([c for c in cases if "lnl-base" not in c["case"]])}
        cases = [small(c) for _, c in sorted(first.items())]
    first, *others = precisions
    order = [("step", first, False), ("step", first, True)] + [("step", other, False) for other in others]
    order += [("op", precision, False) for precision in precisions]
    order += [("step", other, True) for other in others] + [("op", precision, True) for precision in precisions]
    for kind, precision, compiled in order:
        for what in steps if kind == "step" else cases:
            if kind == "step":
                yield kind, precision, compiled, {"op": "step", "case": f"{what[0]}, batch {what[1]}", "step": what}
            elif what["op"] not in OPTIMIZERS or precision == "fp32":
                yield kind, precision, compiled, what


def our_times(path):
    """{(op, case, precision, direction): seconds} of results of `bench --device cuda`."""
    times = {}
    for run in json.loads(Path(path).read_text()) if path else []:
        for row in run.get("ops", []) + run.get("steps", []) if isinstance(run, dict) else []:
            for direction in ("forward", "forward_backward"):
                if "seconds" in row.get(direction, {}):
                    times[row["op"], row["case"], row.get("precision"), direction] = row[direction]["seconds"]
    return times


def cells(result, row, ours):
    for direction in ("forward", "forward_backward"):
        taken = result.get(direction)
        known = ours.get((row["op"], row["case"], row["precision"].replace("tf32", "fp32"), direction))
        yield "" if taken is None else f"{1e3 * taken:.4f}"
        yield "" if taken is None or known is None else f"{1e3 * known:.4f}: {100 * taken / known:.0f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--ours")
    parser.add_argument("--seconds", type=float, default=400)
    parser.add_argument("--ops-only", action="store_true", help="no training step")
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.seconds
    name = torch.cuda.get_device_name() if DEVICE == "cuda" else f"the CPU, {torch.get_num_threads()} threads"
    ours = our_times(arguments.ours) if DEVICE == "cuda" else {}
    cases = json.loads(Path(arguments.cases).read_text())
    results = {"torch": torch.__version__, "device": name, "cudnn": torch.backends.cudnn.version(), "rows": []}
    late, without = [], set()
    print(f"PyTorch {results['torch']} on {name}; ours: our ms and PyTorch's time as a share of it.\n")
    print("| op | case | precision | mode | forward ms | ours | with backward ms | ours |\n|---|---|---|---|---|---|---|---|")
    for kind, precision, compiled, case in plan(cases, not arguments.ops_only):
        row = {"op": case["op"], "case": case["case"], "precision": precision, "compiled": compiled}
        if time.monotonic() > end:
            late.append(row)
            continue
        set_precision(precision)
        try:
            result = (
                time_step(*case["step"], precision, compiled) if kind == "step" else time_op(case, precision, compiled)
            )
        except Exception as error:  # the others can still be timed
            text = (str(error) or type(error).__name__).splitlines()[0][:200]
            result, row["error"] = {}, text
        if result is None:
            without.add(case["op"])
            continue
        row.update(result)
        results["rows"].append(row)
        Path(arguments.out).write_text(json.dumps({**results, "late": late}))
        columns = [case["op"], case["case"], precision, "compiled" if compiled else "eager"]
        columns += [row["error"], "", "", ""] if "error" in row else cells(result, row, ours)
        print("| " + " | ".join(columns) + " |", flush=True)
    print()
    if without:
        print("PyTorch has no such op: " + ", ".join(sorted(without)) + ".")
    if late:
        print(f"No time was left for {len(late)} rows: " + ", ".join(sorted({r["op"] for r in late})) + ".")
    Path(arguments.out).write_text(json.dumps({**results, "late": late}))


if __name__ == "__main__":
    main()
