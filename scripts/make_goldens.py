"""Writes tests/goldens/lnl-tiny.safetensors: what the reference network makes of one batch in float64, its
gradients, and ten steps of training. golden_inputs.py says what goes in, tests/goldens/README.md what comes
out.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

from golden_inputs import BATCH, CLASSES, OVERLAP, SIZE, find_seed, new_network
from philox import Random, stream_of
from reference_network import loss_terms

STEPS, SAMPLE = 10, 64
FILE = pathlib.Path(__file__).parent.parent / "tests/goldens/lnl-tiny.safetensors"


def gradients(network, x, target):
    """Outputs, loss terms and gradients; x and target in the network's precision."""
    network.zero_grad()
    outputs = network(x)
    terms = loss_terms({name: value.to(target.dtype) for name, value in outputs.items()}, target)
    terms["total"].backward()
    return outputs, terms, {name: p.grad.clone() for name, p in network.named_parameters()}


def relative_errors(found, reference):
    """Per tensor |g - r| / max(|r|, 1e-6 |all r|), Frobenius."""
    floor = 1e-6 * sum(r.square().sum() for r in reference.values()).sqrt()
    return {
        name: ((found[name] - r).norm() / r.norm().clamp(min=floor)).item() for name, r in reference.items()
    }


def worst(errors):
    name = max(errors, key=errors.get)
    return f"{errors[name]:.1e} ({name})"


def check_by_differences(parameters, x, target, reference):
    """Per tensor: derivative in a random direction less its central difference, over the gradient's norm."""
    network, step, errors = new_network(parameters), 1e-6, {}

    @torch.no_grad()
    def loss():
        return loss_terms(network(x), target)["total"].item()

    for name, p in network.named_parameters():
        direction = torch.from_numpy(Random(0, stream_of(name)).normal(p.numel())).reshape(p.shape)
        direction /= direction.norm()
        start = p.detach().clone()
        p.data = start + step * direction
        ahead = loss()
        p.data = start - step * direction
        difference = (ahead - loss()) / (2 * step)
        p.data = start
        derivative = (reference[name] * direction).sum().item()
        errors[name] = abs(difference - derivative) / reference[name].norm().item()
    return errors


def bf16_gradients(parameters, x, target):
    """A naive mixed-precision step: f32 weights, bf16 convolutions, products and activations."""
    network = new_network(parameters, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        return {name: g.double() for name, g in gradients(network, x, target)[2].items()}


def optimizers(network):
    """Without warm-up, learning rates must be low for float32 to stay within 1e-4 of float64's losses: AdamW
    turns rounding noise in small gradients into whole steps. Decays let a step shrink weights by 1e-4, as in
    training."""
    weights = [p for p in network.parameters() if p.ndim > 1 and p is not network.local.head.bias]
    others = [p for p in network.parameters() if not any(p is w for w in weights)]

    def groups(decay):
        return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]

    return {
        "sgd": torch.optim.SGD(groups(0.05), lr=2e-3, momentum=0.9, nesterov=True),
        "adamw": torch.optim.AdamW(groups(2.0), lr=5e-5, betas=(0.9, 0.999), eps=1e-8),
    }


def train(kind, parameters, x, target):
    """STEPS steps on one batch: losses, gradient norms before clipping, the network, the EMA of its state."""
    network = new_network(parameters, x.dtype)
    optimizer = optimizers(network)[kind]
    ema = {name: value.clone() for name, value in network.state_dict().items() if value.is_floating_point()}
    losses, gradient_norms = [], []
    for t in range(STEPS):
        _, terms, g = gradients(network, x, target)
        norm = torch.stack([v.norm() for v in g.values()]).norm()
        if kind == "adamw":
            for p in network.parameters():
                p.grad *= min(1.0, 5.0 / norm.item())
        optimizer.step()
        decay = min(0.999, (1 + t) / (10 + t))
        for name, value in network.state_dict().items():
            if name in ema:
                ema[name] = decay * ema[name] + (1 - decay) * value
        losses.append(terms["total"].item())
        gradient_norms.append(norm.item())
    return losses, gradient_norms, network, ema


def evaluate(network, x):
    with torch.no_grad():
        outputs = network.eval()(x)
    return {name: outputs[name] for name in ("w", "l", "n", "j")}


def sampled(name, tensor):
    """BN buffers whole; of a parameter at most SAMPLE elements, i floor(count / SAMPLE) apart."""
    flat = tensor.flatten()
    kept = tensor if "running" in name or len(flat) <= SAMPLE else flat[:: len(flat) // SAMPLE][:SAMPLE]
    return kept.clone()  # the network goes on to hold the average


def training_tensors(kind, parameters, x, target):
    losses, gradient_norms, network, ema = train(kind, parameters, x, target)
    final, averaged = network.to_fermion(), network.to_fermion(ema)
    tensors = {"loss": torch.tensor(losses), "gradient_norm": torch.tensor(gradient_norms)}
    for name, value in final.items():
        tensors[f"state.{name}"] = sampled(name, value)
        tensors[f"ema.{name}"] = sampled(name, averaged[name])
        if "running" not in name:
            tensors[f"change.{name}"] = (value - parameters[name]).norm().reshape(1)
    tensors |= {f"eval.{name}": value for name, value in evaluate(network, x).items()}
    network.load_fermion(averaged)
    tensors |= {f"eval_ema.{name}": value for name, value in evaluate(network, x).items()}
    return tensors


def training_goldens(kind, parameters, x, target):
    tensors = training_tensors(kind, parameters, x.double(), target.double())
    rounded = training_tensors(kind, parameters, x, target)
    losses, norms = tensors["loss"], tensors["gradient_norm"]
    difference = (rounded["loss"] - losses).abs().max()
    print(f"{kind}: loss {losses[0]:.4f} to {losses[-1]:.4f}, in float32 within {difference:.1e}")
    print(f"    gradient norm {norms.min():.2f} to {norms.max():.2f}; worst relative errors of float32:")
    for group in ("gradient_norm", "state", "ema", "change", "eval", "eval_ema"):
        errors = relative_errors(rounded, {n: v for n, v in tensors.items() if n.split(".")[0] == group})
        print(f"    {worst(errors)}")
    return {f"{kind}.{name}": value for name, value in tensors.items()}


def main():
    parser = argparse.ArgumentParser(description="Writes the golden file for Fermion's tests.")
    parser.add_argument("--first-seed", type=int, default=1, help="where the search begins (default 1)")
    seed, ratio, parameters, x, target = find_seed(parser.parse_args().first_seed)

    network = new_network(parameters)
    outputs, terms, reference = gradients(network, x.double(), target.double())
    by_differences = check_by_differences(parameters, x.double(), target.double(), reference)
    f32 = {
        name: g.double()
        for name, g in gradients(new_network(parameters, torch.float32), x, target)[2].items()
    }
    bf16 = relative_errors(bf16_gradients(parameters, x, target), reference)
    print(f"central differences: worst {worst(by_differences)}")
    print(f"float32 gradients: worst {worst(relative_errors(f32, reference))}")
    print(f"bf16 gradients: median {np.median(list(bf16.values())):.3f}, worst {worst(bf16)}")

    tensors = {f"parameter.{name}": value for name, value in parameters.items() if name.endswith("shift")}
    tensors |= {f"output.{name}": value for name, value in outputs.items()}
    tensors |= {f"loss.{name}": value.reshape(1) for name, value in terms.items()}
    tensors |= {f"gradient.{name}": value for name, value in network.to_fermion(reference).items()}
    tensors |= {
        f"bf16_error.{network.fermion_name(name)}": torch.tensor([error]) for name, error in bf16.items()
    }
    for kind in ("sgd", "adamw"):
        tensors |= training_goldens(kind, parameters, x, target)

    facts = {"seed": seed, "margin": round(ratio, 2), "size": SIZE, "batch": BATCH, "classes": CLASSES}
    facts |= {"overlap": OVERLAP, "torch": torch.__version__}
    tensors = {name: value.detach().float().contiguous() for name, value in tensors.items()}
    save_file(tensors, FILE, {"fermion": json.dumps(facts)})
    print(f"{FILE.name}: {len(tensors)} tensors, {FILE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
