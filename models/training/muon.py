"""The optimiser of the plain convolutions: Muon (Jordan et al., 2024).

Each update is orthogonalised, so that rare directions of the gradient are learned as fast as common ones. 30,000
pictures after a checkpoint of this network, the class loss was 2.2 % lower than with AdamW, for 2 % more time.
"""

from collections import defaultdict

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
# Scales an update to the size of AdamW's, so that both use one learning rate (Liu et al., Muon is Scalable for LLM
# Training, 2025).
LIKE_ADAMW = 0.2
# Newton-Schulz: coefficients and number of iterations of the paper.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ROUNDS = 5


def is_plain_convolution(layer: nn.Module) -> bool:
    """Whether Muon updates this weight: any full convolution except the first layer, whose inputs are colours."""
    return isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.in_channels > 3


def orthogonal(matrices: Tensor) -> Tensor:
    """Approximately the nearest orthogonal matrix of each: singular values of 0.7 to 1.2."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Treats weights as matrices of outputs x (inputs and kernel); those of one shape are computed together."""

    def __init__(self, parameters, lr: float, weight_decay: float, precision: torch.dtype = torch.float32):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})
        self.precision = precision

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            alike = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.flatten(1).shape].append(weight)
            for shape, weights in alike.items():
                updates = orthogonal(torch.stack([self.direction(weight) for weight in weights]).to(self.precision))
                rate = group["lr"] * LIKE_ADAMW * max(shape) ** 0.5
                for weight, update in zip(weights, updates.float()):
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update.view(weight.shape), alpha=-rate)

    def direction(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(weight.grad, 1 - MOMENTUM)
        return weight.grad.lerp(state["momentum"], MOMENTUM).flatten(1)
