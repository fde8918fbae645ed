"""The ops of Fermion's benchmark in PyTorch, for scripts/time_torch.py.

A builder takes a case of `bench --list` and a `make(name, gradient=True)`, which returns the tensor of that input,
channels last where it is images, and returns the function to time. Layouts inside are PyTorch's: [N, C, H, W], a bank
of K regions as groups of channels [N, K C, H, W].
"""

import torch
import torch.nn.functional as nnf
from reference_network import PRESETS, Network, region_split


def conv2d(case, make):
    """With BatchNorm in training and ReLU behind it. Ours makes the statistics and leaves norm and ReLU to the next
    reader; instead it applies those of its own input."""
    images = make("x", gradient=shape_of(case, "x")[-1] != 3)
    groups = shape_of(case, "x")[0] if len(shape_of(case, "x")) == 5 else 1
    skip = make("skip") if has(case, "skip") else None
    weight, gain, shift = make("weight"), make("gain").flatten(), make("shift").flatten()
    kernel, stride = weight.shape[-1], case.get("stride", 1)

    def run():
        x = images if skip is None else torch.cat((images, skip), dim=1)
        y = nnf.conv2d(x, weight, stride=stride, padding=kernel // 2, groups=groups)
        return torch.relu(nnf.batch_norm(y, None, None, gain, shift, training=True))

    return run


def conv_transpose2d(case, make):
    x, weight = make("x"), make("weight")
    return lambda: nnf.conv_transpose2d(x, weight, stride=2)


def max_pool2d(case, make):
    x = make("x")
    return lambda: nnf.max_pool2d(x, 2)


def average_pool(case, make):
    x, grid = make("x"), 4 if "to the grid" in case["case"] else 1
    return lambda: nnf.adaptive_avg_pool2d(x, grid)


def split(case, make):
    x, overlap = make("x"), 4 if "overlap" in case["case"] else 0
    return lambda: region_split(x, 4, overlap)


def residual_add(case, make):
    a, b = make("a"), make("b")
    return lambda: a + b


def attention(case, make):
    """qkv is [N, 3d, H, W], channels last."""
    qkv = make("qkv")

    def run():
        theta, phi, g = qkv.flatten(2).transpose(1, 2).unsqueeze(1).chunk(3, dim=3)  # each [N, 1, H W, d]
        return nnf.scaled_dot_product_attention(theta, phi, g)

    return run


def linear(case, make):
    x, weight, bias = make("x"), make("weight"), make("bias")
    if weight.dim() == 2:
        return lambda: nnf.linear(x, weight, bias)
    return lambda: torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))


def region_softmax(case, make):
    scores = make("scores")
    return lambda: torch.softmax(scores, dim=1) * scores.shape[1]


def region_entropy(case, make):
    w = make("w")

    def run():
        q = w.abs() / w.shape[1] + 1e-3
        return (q * q.log()).sum(dim=1).mean()

    return run


def region_join(case, make):
    f, w, g = make("f"), make("w"), make("g")
    return lambda: torch.cat(((w.T[:, :, None] * f).transpose(0, 1).flatten(1), g), dim=1)


def softmax_cross_entropy(case, make):
    logits, w, targets = make("logits"), make("w"), torch.softmax(make("targets", gradient=False), dim=1)
    return lambda: (w.T * -(targets * torch.log_softmax(logits, dim=2)).sum(dim=2)).mean()


def dropout(case, make):
    x = make("x")
    return lambda: nnf.dropout(x, 0.5)


def optimizer_step(case, device):
    """Clipping, the step and the moving average of the preset's parameters, all with gradients."""
    options = dict(PRESETS[case["case"].partition(",")[0]])
    options.pop("size")
    parameters = list(Network(**options).to(device).parameters())
    average = [p.detach().clone() for p in parameters]
    for p in parameters:
        p.grad = torch.randn_like(p)
    if case["op"] == "adamw":
        optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.05, fused=True)
    else:
        optimizer = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, weight_decay=5e-4, fused=True)

    def run():
        torch.nn.utils.clip_grad_norm_(parameters, 5)
        optimizer.step()
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1e-3)

    return run


BUILDERS = {
    "attention": attention,
    "average_pool": average_pool,
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "dropout": dropout,
    "linear": linear,
    "max_pool2d": max_pool2d,
    "region_entropy": region_entropy,
    "region_join": region_join,
    "region_softmax": region_softmax,
    "region_split": split,
    "residual_add": residual_add,
    "softmax_cross_entropy": softmax_cross_entropy,
}
OPTIMIZERS = ("adamw", "sgd")


def shape_of(case, name):
    return next(i["shape"] for i in case["inputs"] if i["name"] == name)


def has(case, name):
    return any(i["name"] == name for i in case["inputs"])


def torch_shape(op, name, shape):
    """Fermion's shape as PyTorch's, and whether it lies channels last."""
    if op == "conv2d" and name == "weight":  # [K?, Co, Kh, Kw, Ci]
        *_, Co, Kh, Kw, Ci = shape
        return (Co * (shape[0] if len(shape) == 5 else 1), Ci, Kh, Kw), True
    if op == "conv_transpose2d" and name == "weight":  # [Co, 2, 2, Ci]
        return (shape[3], shape[0], 2, 2), True
    if len(shape) == 5:  # [K, N, H, W, C]
        K, N, H, W, C = shape
        return (N, K * C, H, W), True
    if len(shape) == 4:
        return (shape[0], shape[3], shape[1], shape[2]), True
    return tuple(shape), False


def build(case, device, dtype):
    """The function to time and the tensors whose gradients it has; None where PyTorch has no such op."""
    if case["op"] in OPTIMIZERS:
        return optimizer_step(case, device), []
    if case["op"] not in BUILDERS:
        return None
    leaves = []

    def make(name, gradient=True):
        shape, images = torch_shape(case["op"], name, shape_of(case, name))
        # As in autocast, what belongs to a norm stays in fp32.
        kind = torch.float32 if name in ("gain", "shift") else dtype
        tensor = torch.randn(shape, device=device, dtype=kind)
        if images:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        if gradient:
            leaves.append(tensor.requires_grad_())
        return tensor

    return BUILDERS[case["op"]](case, make), leaves
