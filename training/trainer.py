"""The loop: a linear schedule, clipped gradients, a log of JSON lines, checkpoints that resume exactly."""

import json
import time
from pathlib import Path

import torch
from torch import nn

from training.optimizer import make_optimizers
from training.recipe import Stage

LOG_EVERY = 20  # steps


def learning_rate(step: int, stage: Stage) -> float:
    """Rises over the first tenth of the steps, then falls in a line to zero (paper, 4.2), or to what a stage says."""
    rise = max(1, round(stage.warm_up * stage.steps))
    left = (stage.steps - step) / max(1, stage.steps - rise)
    return stage.learning_rate * min((step + 1) / rise, stage.falls_to + (1 - stage.falls_to) * left)


def choose_precision(wanted: str, device: torch.device) -> torch.dtype | None:
    """The dtype of autocast; None for float32. A CPU that only emulates bfloat16 is slower with it by far."""
    if wanted == "bf16":
        return torch.bfloat16
    if wanted == "fp32":
        return None
    if wanted != "auto":
        raise ValueError(f'precision must be "auto", "fp32" or "bf16", but is "{wanted}".')
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else None


class Trainer:
    """Trains one stage of a run. `folder` holds log.jsonl and checkpoint.pt."""

    def __init__(
        self, network: nn.Module, task, stage: Stage, folder: Path, *, precision: str, checkpoint_every: float
    ):
        self.network, self.task, self.stage, self.folder = network, task, stage, folder
        self.checkpoint_every = checkpoint_every
        self.device = network.device
        self.dtype = choose_precision(precision, self.device)
        self.optimizers = make_optimizers(network, stage)
        self.step = 0
        self.mean = [own.detach().clone() for own in network.parameters()] if stage.mean_decay > 0 else []

    def run(self, until: int | None = None) -> None:
        """until: a step to stop before; None trains the stage to its end"""
        self.network.train()
        end = self.stage.steps if until is None else min(until, self.stage.steps)
        if self.step == 0:
            self.measure()
        saved = logged = time.monotonic()
        begun = self.step
        figures: dict[str, list[torch.Tensor | float]] = {}
        while self.step < end:
            for name, value in self.train_step().items():  # not all at each step: objectives take turns
                figures.setdefault(name, []).append(value)
            self.step += 1
            if self.step % LOG_EVERY == 0 or self.step == end:
                seconds = (time.monotonic() - logged) / (self.step - begun)
                means = {name: float(sum(values)) / len(values) for name, values in figures.items()}
                self.log(means | {"seconds_per_step": round(seconds, 4)})
                logged, begun, figures = time.monotonic(), self.step, {}
            if self.step == self.stage.steps:
                self.take_mean()
            if self.step % self.stage.measure_every == 0 or self.step == self.stage.steps:
                measured = time.monotonic()
                self.measure()
                logged += time.monotonic() - measured
            if time.monotonic() - saved > self.checkpoint_every:
                self.save()
                saved = time.monotonic()
        self.save()

    def train_step(self) -> dict[str, torch.Tensor | float]:
        rate = learning_rate(self.step, self.stage)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["factor"]
            optimizer.zero_grad(set_to_none=True)
        parts = self.stage.accumulate
        sums: dict[str, torch.Tensor] = {}
        for batch in range(self.step * parts, (self.step + 1) * parts):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
                losses = self.task.losses(batch)
            total = sum(weight * loss for weight, loss in losses.values())
            (total / parts).backward()
            for name, loss in {"total": total, **{name: loss for name, (_, loss) in losses.items()}}.items():
                sums[name] = sums.get(name, 0) + loss.detach() / parts
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.stage.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        if self.mean:
            # At first of as many steps as there were: a mean that holds on to the first weights lags behind.
            share = max(1 - self.stage.mean_decay, 1 / (self.step + 2))
            torch._foreach_lerp_(self.mean, [own.detach() for own in self.network.parameters()], share)
        return sums | {"gradient_norm": norm, "learning_rate": rate}

    @torch.no_grad()
    def take_mean(self) -> None:
        """The network gets the running mean of its weights."""
        for own, mean in zip(self.network.parameters(), self.mean, strict=False):
            own.copy_(mean)

    def measure(self) -> None:
        """Of the running mean, where there is one."""
        latest = [own.detach().clone() for own in self.network.parameters()] if self.mean else []
        self.take_mean()
        self.measure_network()
        with torch.no_grad():
            for own, value in zip(self.network.parameters(), latest, strict=False):
                own.copy_(value)

    def measure_network(self) -> None:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
            figures = self.task.measure()
        if figures:
            self.log(figures)

    def log(self, figures: dict[str, float]) -> None:
        line = json.dumps({"stage": self.stage.name, "step": self.step, **figures})
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        print(line, flush=True)

    def save(self) -> None:
        """Written aside and renamed, so that a checkpoint is whole whenever the process ends."""
        partial = self.folder / "checkpoint.pt.partial"
        torch.save(
            {
                "stage": self.stage.name,
                "step": self.step,
                "network": self.network.state_dict(),
                "mean": self.mean,
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "task": self.task.state(),
                "random": torch.get_rng_state(),  # of dropout; all else is drawn by the number of the step
                "random_cuda": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
            },
            partial,
        )
        partial.replace(self.folder / "checkpoint.pt")

    def load(self, checkpoint: dict) -> None:
        self.step = checkpoint["step"]
        self.network.load_state_dict(checkpoint["network"])
        for mean, value in zip(self.mean, checkpoint["mean"], strict=True):
            mean.copy_(value)
        for optimizer, state in zip(self.optimizers, checkpoint["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.task.load(checkpoint["task"])
        torch.set_rng_state(checkpoint["random"].cpu())
        if checkpoint["random_cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(checkpoint["random_cuda"].cpu())
        trim_log(self.folder / "log.jsonl", self.stage.name, self.step)


def trim_log(file: Path, stage: str, step: int) -> None:
    """Takes out what was logged after a checkpoint, of its stage and of the next: it is trained, and logged, again."""
    if not file.exists():
        return
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    steps = {i: entry["step"] for i, entry in enumerate(map(json.loads, lines)) if entry["stage"] == stage}
    kept = [i for i, logged in steps.items() if logged <= step]
    end = kept[-1] + 1 if kept else min(steps, default=len(lines))
    file.write_text("".join(lines[:end]), encoding="utf-8")
