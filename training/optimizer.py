"""Optimizers of a stage: AdamW, or Muon for the matrices of the blocks beside it."""

import math

import torch
from torch import Tensor, nn

from training.recipe import Stage

BETAS = (0.9, 0.98)  # of AdamW, as in the paper's code
MOMENTUM = 0.95
ITERATIONS, COEFFICIENTS = 5, (3.4445, -4.775, 2.0315)  # of Newton and Schulz (Jordan et al., Muon, 2024)
RMS = 0.2  # of an update, about that of AdamW, so that one learning rate is for both (Liu et al., 2025)


def make_optimizers(network: nn.Module, stage: Stage) -> list[torch.optim.Optimizer]:
    """Biases, LayerNorms and the temperature do not decay; a classifier learns `head_factor` times as fast."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    matrices = []
    for name, parameter in network.named_parameters():
        if stage.optimizer == "muon" and parameter.ndim == 2 and ".encoder." in name:
            matrices.append(parameter)
        else:
            groups.setdefault((parameter.ndim >= 2, name.startswith("classifier.")), []).append(parameter)
    adam = torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": stage.weight_decay if decays else 0.0,
                "factor": stage.head_factor if is_head else 1.0,
            }
            for (decays, is_head), parameters in groups.items()
        ],
        lr=stage.learning_rate,
        betas=BETAS,
        fused=next(network.parameters()).is_cuda,
    )
    return [adam, Muon(matrices, lr=stage.learning_rate, weight_decay=stage.weight_decay)] if matrices else [adam]


def orthogonalize(matrices: Tensor) -> Tensor:
    """(n, rows, columns) -> matrices of the same singular vectors, whose singular values are all about 1"""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """PyTorch's own multiplies in bfloat16, one matrix after the other: 30 times as long on a CPU without bfloat16."""

    def __init__(self, parameters: list[nn.Parameter], *, lr: float, weight_decay: float):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "factor": 1.0})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in alike.items():
                updates = orthogonalize(torch.stack([self.momentum(parameter) for parameter in parameters]))
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(parameters, list(updates), alpha=-group["lr"] * RMS * math.sqrt(max(shape)))

    def momentum(self, parameter: nn.Parameter) -> Tensor:
        """Nesterov's"""
        state = self.state[parameter]
        if "mean" not in state:
            state["mean"] = torch.zeros_like(parameter)
        mean = state["mean"].lerp_(parameter.grad, 1 - MOMENTUM)
        return parameter.grad.lerp(mean, MOMENTUM)
