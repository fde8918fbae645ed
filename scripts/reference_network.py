"""The local non-local joint network of docs/method.md in PyTorch, the yardstick of Fermion's own.

Images enter and features leave as [B, H, W, C]; inside it is PyTorch's [B, C, H, W]. Module paths are
Fermion's; `to_fermion` and `load_fermion` translate names and layouts. `python scripts/reference_network.py`
prints the parameters and the forward cost of every preset.
"""

import torch
import torch.nn.functional as nnf
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

PRESETS = {
    "lnl-tiny": dict(size=64, c=16, depth=3, G=4),
    "lnl-48": dict(size=48, c=16, depth=3, G=4),
    "lnl-base": dict(size=112, c=32, depth=4, G=4),
    "lnl-large": dict(size=224, c=64, depth=4, G=4),
}


def conv(inputs, outputs, kernel=3, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1, self.norm1 = conv(inputs, outputs), norm(outputs)
        self.conv2, self.norm2 = conv(outputs, outputs), norm(outputs)

    def forward(self, x):
        x = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(x)))


class DecoderLevel(DoubleConv):
    def __init__(self, inputs):
        super().__init__(inputs, inputs // 2)
        self.up = nn.ConvTranspose2d(inputs, inputs // 2, 2, stride=2, bias=False)

    def forward(self, x, skip):
        return super().forward(torch.cat((skip, self.up(x)), dim=1))


class UNet(nn.Module):
    """[B, 3, H, W] to [B, c, H, W], and the first encoder level's output of the same shape."""

    def __init__(self, c, depth):
        super().__init__()
        widths = [c << level for level in range(depth + 1)]
        self.enc = nn.ModuleList(DoubleConv(i, o) for i, o in zip([3] + widths, widths))
        self.dec = nn.ModuleList(DecoderLevel(width) for width in reversed(widths[1:]))

    def forward(self, x):
        skips = []
        for level, encoder in enumerate(self.enc):
            x = encoder(x if level == 0 else nnf.max_pool2d(x, 2))
            skips.append(x)
        for level, decoder in enumerate(self.dec):
            x = decoder(x, skips[-2 - level])
        return x, skips[0]


def region_split(x, G, overlap):
    """[B, c, H, W] to [K, B, c, h, w]: region r G + s is the window of cell (r, s), widened by `overlap`
    pixels on every side and shifted inwards at the border."""

    def starts(extent, window):
        return [min(max(cell * extent // G - overlap, 0), extent - window) for cell in range(G)]

    height, width = x.shape[2:]
    h, w = height // G + 2 * overlap, width // G + 2 * overlap
    return torch.stack(
        [x[:, :, top : top + h, left : left + w] for top in starts(height, h) for left in starts(width, w)]
    )


class BankLinear(nn.Module):
    """One linear layer per region: [K, B, inputs] to [K, B, outputs]."""

    def __init__(self, K, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(K, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(K, outputs))

    def forward(self, x):
        return x @ self.weight.transpose(1, 2) + self.bias[:, None]


class RegionBank(nn.Module):
    """The K local networks as grouped convolutions: channel k C + i of a layer is channel i of region k."""

    def __init__(self, K, c, classes):
        super().__init__()
        self.K = K
        self.conv1, self.norm1 = conv(K * c, K * 2 * c, groups=K), norm(K * 2 * c)
        self.conv2, self.norm2 = conv(K * 2 * c, K * 4 * c, groups=K), norm(K * 4 * c)
        self.conv3, self.norm3 = conv(K * 4 * c, K * 4 * c, groups=K), norm(K * 4 * c)
        self.head = BankLinear(K, 4 * c, classes)

    def forward(self, regions):
        x = regions.transpose(0, 1).flatten(1, 2)
        x = nnf.max_pool2d(torch.relu(self.norm1(self.conv1(x))), 2)
        x = nnf.max_pool2d(torch.relu(self.norm2(self.conv2(x))), 2)
        x = torch.relu(self.norm3(self.conv3(x)))
        f = x.mean(dim=(2, 3)).unflatten(1, (self.K, -1)).transpose(0, 1)
        return f, self.head(f)


class NonLocalBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.qkv = conv(channels, 3 * (channels // 2), kernel=1)
        self.out = conv(channels // 2, channels, kernel=1)
        self.norm = norm(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x):
        theta, phi, g = self.qkv(x).flatten(2).transpose(1, 2).chunk(3, dim=2)  # each [B, N, d]
        attention = torch.softmax(theta @ phi.transpose(1, 2) / theta.shape[2] ** 0.5, dim=2)
        y = (attention @ g).transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.norm(self.out(y))


class NonLocalNetwork(nn.Module):
    """[B, c, H, W] to region weights w [B, K] of mean 1, features g [B, 4c] and logits n [B, classes]."""

    def __init__(self, c, G, classes):
        super().__init__()
        self.G = G
        self.conv1, self.norm1 = conv(c, 2 * c, stride=2), norm(2 * c)
        self.conv2, self.norm2 = conv(2 * c, 4 * c, stride=2), norm(4 * c)
        self.block1 = NonLocalBlock(4 * c)
        self.conv3, self.norm3 = conv(4 * c, 4 * c), norm(4 * c)
        self.block2 = NonLocalBlock(4 * c)
        self.score = conv(4 * c, 1, kernel=1)
        self.head = nn.Linear(4 * c, classes)

    def forward(self, x):
        x = torch.relu(self.norm1(self.conv1(x)))
        x = self.block1(torch.relu(self.norm2(self.conv2(x))))
        x = self.block2(torch.relu(self.norm3(self.conv3(x))))
        score = self.score(nnf.adaptive_avg_pool2d(x, self.G)).flatten(1)
        w = torch.softmax(score, dim=1) * self.G**2
        g = x.mean(dim=(2, 3))
        return w, g, self.head(g)


class Network(nn.Module):
    """x [B, H, W, 3], standardised, to a dictionary: the U-Net's features F [B, H, W, c], region weights w
    [B, K], and logits: l [K, B, classes] of the regions, n and j [B, classes] of non-local and joint head."""

    def __init__(self, c=16, depth=3, G=4, overlap=0, classes=7, local_input="unet", dropout=0.5):
        super().__init__()
        if local_input not in ("unet", "encoder0"):
            raise ValueError(f"local_input is unet or encoder0, not {local_input}")
        K = G * G
        self.depth, self.G, self.overlap, self.local_input = depth, G, overlap, local_input
        self.unet = UNet(c, depth)
        self.local = RegionBank(K, c, classes)
        self.non_local = NonLocalNetwork(c, G, classes)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(K * 4 * c + 4 * c, classes)

    def forward(self, x):
        height, width = x.shape[1:3]
        for extent in (height, width):
            if extent % 2**self.depth or extent // 4 % self.G:
                raise ValueError(
                    f"{extent} px: not a multiple of {2**self.depth} with G = {self.G} in a quarter"
                )
        F, encoder0 = self.unet(x.permute(0, 3, 1, 2))
        f, l = self.local(region_split(F if self.local_input == "unet" else encoder0, self.G, self.overlap))
        w, g, n = self.non_local(F)
        z = torch.cat(((w.T[:, :, None] * f).transpose(0, 1).flatten(1), g), dim=1)
        return {"F": F.permute(0, 2, 3, 1), "w": w, "l": l, "n": n, "j": self.head(self.dropout(z))}

    def layout(self, name):
        """Shape and axes that turn a PyTorch tensor of this name into Fermion's: reshape, then permute."""
        module = self.get_submodule(name.rpartition(".")[0])
        bank = (self.G**2, -1) if name.startswith("local.") and not isinstance(module, BankLinear) else (-1,)
        if isinstance(module, nn.ConvTranspose2d):
            return (-1,), (1, 2, 3, 0)  # [Ci, Co, 2, 2] to [Co, 2, 2, Ci]
        if isinstance(module, nn.Conv2d):  # [Co, Ci, h, w] to [Co, h, w, Ci], or the same behind K
            return bank, (0, 2, 3, 1) if len(bank) == 1 else (0, 1, 3, 4, 2)
        return bank, None

    def fermion_name(self, name):
        module, _, leaf = name.rpartition(".")
        if isinstance(self.get_submodule(module), nn.BatchNorm2d):
            leaf = {"weight": "gain", "bias": "shift"}.get(leaf, leaf)
        return f"{module}.{leaf}"

    def to_fermion(self, values=None):
        """{module path: tensor in Fermion's layout} of {PyTorch name: tensor}, of the parameters and BN
        buffers unless given."""
        values = self.state_dict() if values is None else values
        tensors = {}
        for name, value in values.items():
            if name.endswith("num_batches_tracked"):
                continue
            split, axes = self.layout(name)
            value = value.detach().unflatten(0, split)
            tensors[self.fermion_name(name)] = (value.permute(axes) if axes else value).contiguous()
        return tensors

    def load_fermion(self, tensors):
        """Takes all parameters and BN buffers from {module path: tensor in Fermion's layout}."""
        for name, value in self.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            split, axes = self.layout(name)
            wanted = value.unflatten(0, split)
            wanted = wanted.permute(axes) if axes else wanted
            path = self.fermion_name(name)
            if path not in tensors:
                raise ValueError(f"{path} is missing: not a checkpoint of the whole network")
            if tensors[path].shape != wanted.shape:
                raise ValueError(f"{path} is {list(tensors[path].shape)}, expected {list(wanted.shape)}")
            wanted.copy_(tensors[path])


def loss_terms(outputs, target, tau=0.1):
    """The four terms before their factors, and their weighted sum. target [B, classes]: rows sum to 1."""
    w, K = outputs["w"], outputs["w"].shape[1]
    joint = nnf.cross_entropy(outputs["j"], target)
    non_local = nnf.cross_entropy(outputs["n"], target)
    of_region = -(target * torch.log_softmax(outputs["l"], dim=2)).sum(dim=2)  # [K, B]
    local = (w.T * of_region).mean()
    q = w / K
    entropy = (q * q.log()).sum(dim=1).mean()
    total = joint + 0.5 * non_local + 0.5 * local + tau * entropy
    return {"joint": joint, "non_local": non_local, "local": local, "entropy": entropy, "total": total}


def cost(size, **options):
    """Parameters, and FLOPs of one image forward: 2 per multiply-add of convolutions, linear layers and
    attention."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = Network(**options).eval()
        network(torch.zeros(1, size, size, 3))
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops()


if __name__ == "__main__":
    print(f"{'preset':<10} {'pixels':>6} {'parameters':>11} {'GFLOP/image':>12}")
    for preset, options in PRESETS.items():
        parameters, flops = cost(**options)
        print(f"{preset:<10} {options['size']:>6} {parameters:>11,} {flops / 1e9:>12.3f}")
