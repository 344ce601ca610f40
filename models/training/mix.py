"""Optional, between steps 3 and 4, after a prolonged run: interpolates the weights of two checkpoints.

    mix.py --checkpoint RUN/last.pt --earlier EARLIER/last.pt --share 0.1 --out MIXED.pt

Two ends of one run are in the same minimum of the loss, and a point between them is often slightly better than
either (Izmailov et al., Averaging Weights Leads to Wider Optima, 2018; Wortsman et al., Model
Soups, 2022). Choose the share by what `train.py` logs of held-out pictures, never by the evaluation pictures.
"""

import argparse
from pathlib import Path

import torch

from dataset import Classes
from network import Detector
from train import FINAL_SIZE
from validate import validate


def mixed(newest: dict[str, torch.Tensor], earlier: dict[str, torch.Tensor], share: float) -> dict[str, torch.Tensor]:
    """`share` of the earlier weights, the rest from the newest; integers (counters) from the newest."""
    return {
        name: torch.lerp(weight, earlier[name], share) if weight.is_floating_point() else weight
        for name, weight in newest.items()
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--checkpoint", type=Path, required=True)
    arguments.add_argument("--earlier", type=Path, required=True)
    arguments.add_argument("--share", type=float, required=True, help="of the earlier weights, 0 to 1")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--work", type=Path, help="validates the result on the held-out pictures there")
    given = arguments.parse_args()
    state, earlier = torch.load(given.checkpoint), torch.load(given.earlier)
    if state["classes"] != earlier["classes"]:
        raise SystemExit(f"{given.earlier} was trained on other classes than {given.checkpoint}")
    state["average"] = mixed(state["average"], earlier["average"], given.share)
    torch.save(state, given.out)
    if given.work:
        classes = Classes.read(Path(__file__).with_name("classes.json"))
        model = Detector(len(classes.names)).to(memory_format=torch.channels_last)
        model.load_state_dict(state["average"])
        judged = validate(model, given.work, classes, FINAL_SIZE)
        print({name: {key: round(value, 4) for key, value in judged[name].items()} for name in ("person", "face")})


if __name__ == "__main__":
    main()
