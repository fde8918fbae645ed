"""Loads a run's best checkpoint into the reference network and compares it with `fer predict` on a batch.

    python scripts/load_in_torch.py runs/NAME

prints the largest difference of class probabilities and of region weights. The pictures are smooth noise of
the network's own size, so that preparing them is standardising alone.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
import torch.nn.functional as nnf
from safetensors import SafetensorError, safe_open

from philox import Random, stream_of
from reference_network import Network

ROOT = pathlib.Path(__file__).parent.parent


def read_checkpoint(path):
    """What `best` says of itself and its tensors, or of `last` the averaged ones, which it evaluates with."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["fermion"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if "optimizer.step" in tensors:
        tensors = {name[4:]: tensor for name, tensor in tensors.items() if name.startswith("ema.")}
    return facts, tensors


def network_of(config, tensors):
    off = [part for part in ("unet", "non_local", "feedback", "local") if not config[part]]
    if off:
        raise SystemExit(f"the reference network is the whole one; this run is without {', '.join(off)}")
    options = {key: config[key] for key in ("depth", "overlap", "classes", "local_input")}
    network = Network(c=config["width"], G=config["grid"], **options).eval()
    network.load_fermion(tensors)
    return network


def draw_pictures(count, size):
    """u8 [count, size, size, 3]."""
    coarse = torch.from_numpy(Random(0, stream_of("pictures")).normal(count * 3 * 8 * 8)).reshape(
        count, 3, 8, 8
    )
    smooth = nnf.interpolate(coarse, (size, size), mode="bicubic")
    return (128 + 64 * smooth).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def predict(program, checkpoint, pictures, classes):
    """What `fer predict` makes of them: probabilities [count, classes] and region weights [count, K]."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / f"{i:03}.ppm" for i in range(len(pictures))]
        for path, picture in zip(paths, pictures):
            path.write_bytes(b"P6 %d %d 255\n" % (picture.shape[1], picture.shape[0]) + picture.tobytes())
        command = [program, "predict", "--json", "--model", checkpoint, *paths]
        images = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["images"]
    by_path = {pathlib.Path(image["path"]).name: image for image in images}
    rows = [by_path[path.name] for path in paths]
    probabilities = [[row["probabilities"][name] for name in classes] for row in rows]
    return np.array(probabilities), np.array([row["regions"] for row in rows]).reshape(len(rows), -1)


def main():
    parser = argparse.ArgumentParser(description="Compares a checkpoint in PyTorch with fer predict.")
    parser.add_argument("run", type=pathlib.Path, help="run folder, or a checkpoint")
    parser.add_argument(
        "--fer", type=pathlib.Path, default=ROOT / "bin/fer", help="the program (default bin/fer)"
    )
    parser.add_argument("--pictures", type=int, default=16)
    arguments = parser.parse_args()
    checkpoint = arguments.run / "best.safetensors" if arguments.run.is_dir() else arguments.run

    try:
        facts, tensors = read_checkpoint(checkpoint)
        preprocessing, classes = facts["preprocessing"], facts["classes"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise SystemExit(f"{checkpoint} is no checkpoint of Fermion's: {error}")
    if not arguments.fer.is_file():
        raise SystemExit(f"there is no program {arguments.fer}; `make build` makes bin/fer")
    pictures = draw_pictures(arguments.pictures, preprocessing["size"])
    probabilities, regions = predict(arguments.fer, checkpoint, pictures, classes)

    x = (pictures / 255 - np.array(preprocessing["mean"])) / np.array(preprocessing["std"])
    with torch.no_grad():
        outputs = network_of(facts["config"], tensors)(torch.from_numpy(x.astype(np.float32)))
    difference = np.abs(torch.softmax(outputs["j"], dim=1).numpy() - probabilities).max()
    of_regions = np.abs(outputs["w"].numpy() - regions).max()
    print(f"{len(pictures)} pictures: largest difference of probabilities {difference:.1e}, ", end="")
    print(f"of region weights {of_regions:.1e}")


if __name__ == "__main__":
    main()
