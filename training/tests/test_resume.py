"""A run that was interrupted ends as one that was not, to the bit."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from training.recipe import OBJECTIVES, OPTIMIZERS
from training.tasks.pretraining import Pretraining
from training.tests.conftest import stage, tiny
from training.trainer import Trainer, learning_rate, trim_log


def trainer(data, vocabulary, folder: Path, optimizer: str = "adamw") -> Trainer:
    folder.mkdir(exist_ok=True)
    network = tiny(vocabulary)
    objectives = dict.fromkeys(OBJECTIVES, 1.0)
    chosen = stage(
        objectives, steps=7, mine_every=3, measure_every=2, measure_queries=2, mean_decay=0.9, optimizer=optimizer
    )
    task = Pretraining(network, vocabulary, data, data, chosen, seed=1)
    return Trainer(network, task, chosen, folder, precision="fp32", checkpoint_every=1e9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resume(optimizer: str, data, vocabulary, tmp_path):
    whole = trainer(data, vocabulary, tmp_path / "whole", optimizer)
    whole.run()

    interrupted = trainer(data, vocabulary, tmp_path / "parts", optimizer)
    interrupted.run(until=4)
    interrupted.train_step()  # lost: it was not saved
    interrupted.log({"lost": 1.0})
    resumed = trainer(data, vocabulary, tmp_path / "parts", optimizer)
    torch.rand(3)  # the state of the generator is the checkpoint's
    resumed.load(torch.load(tmp_path / "parts/checkpoint.pt", weights_only=True))
    assert resumed.step == 4
    resumed.run()

    expected, found = whole.network.state_dict(), resumed.network.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    moments = [[o.state_dict()["state"] for o in t.optimizers] for t in (whole, resumed)]
    for one, other in zip(*moments, strict=True):
        name = "exp_avg" if "exp_avg" in one[0] else "mean"
        assert all(torch.equal(one[i][name], other[i][name]) for i in one)


def test_the_running_mean_is_measured_and_kept(data, vocabulary, tmp_path):
    chosen = stage(
        {"contrastive": 1.0}, steps=4, measure_every=4, measure_queries=0, learning_rate=1e-2, mean_decay=0.5
    )
    network = tiny(vocabulary)
    task = Pretraining(network, vocabulary, data, data, chosen, seed=1)
    run = Trainer(network, task, chosen, tmp_path, precision="fp32", checkpoint_every=1e9)
    weight = network.prefilter.image_projection.weight
    seen, measured = [weight.detach().clone()], []
    step, measure = run.train_step, run.measure_network
    run.train_step = lambda: (step(), seen.append(weight.detach().clone()))[0]
    run.measure_network = lambda: (measure(), measured.append(weight.detach().clone()))
    run.run()
    mean = seen[0]
    for latest in seen[1:]:
        mean = (mean + latest) / 2
    assert not torch.allclose(seen[-1], mean, atol=1e-4)
    assert torch.allclose(weight, mean, atol=1e-6)
    assert len(measured) == 2
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(measured, [seen[0], mean], strict=True))
    first, *_, last = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert (first["step"], last["step"]) == (0, 4)


def test_the_log_holds_each_measure_once(data, vocabulary, tmp_path):
    first = trainer(data, vocabulary, tmp_path)
    first.run(until=5)
    first.step = 3
    first.save()
    second = trainer(data, vocabulary, tmp_path)
    second.load(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    second.run()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "nearest@1" in line] == [0, 2, 4, 6, 7]


def test_the_log_loses_what_a_next_stage_logged_before_its_first_checkpoint(tmp_path):
    log = tmp_path / "log.jsonl"
    entries = [("first", 0), ("first", 20), ("first", 40), ("second", 0), ("second", 20)]
    lines = [json.dumps({"stage": stage, "step": step}) + "\n" for stage, step in entries]

    def trimmed(stage: str, step: int) -> int:
        log.write_text("".join(lines))
        trim_log(log, stage, step)
        left = log.read_text()
        assert "".join(lines).startswith(left)
        return len(left.splitlines())

    assert trimmed("first", 40) == 3
    assert trimmed("first", 30) == 2
    assert trimmed("second", 20) == 5
    assert trimmed("second", 5) == 4
    assert trimmed("third", 5) == 5


def test_the_learning_rate_rises_and_falls():
    chosen = stage({}, steps=100, learning_rate=2.0)
    rates = [learning_rate(step, chosen) for step in range(100)]
    assert rates[0] == 0.2
    assert rates[9] == 2.0
    assert rates[55] == 1.0
    assert rates[99] == 2.0 / 90
    assert learning_rate(55, stage({}, steps=100, learning_rate=2.0, falls_to=0.5)) == 1.5


def test_accumulated_batches_make_the_step_of_their_mean(data, vocabulary, tmp_path):
    whole = trainer(data, vocabulary, tmp_path)
    whole.stage = dataclasses.replace(whole.stage, accumulate=2, clip=1e9)
    whole.train_step()
    found = {name: p.grad for name, p in whole.network.named_parameters()}
    fresh = trainer(data, vocabulary, tmp_path)
    for batch in (0, 1):
        sum(weight * loss / 2 for weight, loss in fresh.task.losses(batch).values()).backward()
    for name, parameter in fresh.network.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad)
