"""The optimiser of the plain convolutions: Muon (Jordan et al., 2024).

Each update is orthogonalised, so that rare directions of the gradient are learned as fast as common ones. 30,000
pictures after a checkpoint of this network, the class loss was 2.2 % lower than with AdamW, for 2 % more time.
"""

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


def orthogonal(matrix: Tensor) -> Tensor:
    """Approximately the nearest orthogonal matrix: its singular values are 0.7 to 1.2."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(ROUNDS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Treats weights as matrices of outputs x (inputs and kernel)."""

    def __init__(self, parameters, lr: float, weight_decay: float):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self.move(weight, group["lr"], group["weight_decay"])

    def move(self, weight: Tensor, rate: float, decay: float) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(weight.grad, 1 - MOMENTUM)
        matrix = weight.grad.lerp(state["momentum"], MOMENTUM).flatten(1)
        scale = LIKE_ADAMW * max(matrix.shape) ** 0.5
        weight.mul_(1 - rate * decay)
        weight.add_(orthogonal(matrix).view(weight.shape), alpha=-rate * scale)
