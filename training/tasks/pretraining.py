"""Pretraining and retrieval fine-tuning: every objective over captioned pictures."""

from torch import Tensor

from training.data.dataset import Dataset
from training.data.vocabulary import Vocabulary
from training.measure import measure_retrieval
from training.network import Vilt
from training.recipe import Stage
from training.tasks.batch import Batches
from training.tasks.paired import OF_PAIRS, PairedTask
from training.tasks.plain import PlainTask
from training.tasks.recognition import Recognition


class Pretraining:
    def __init__(
        self,
        network: Vilt,
        vocabulary: Vocabulary,
        train: Dataset,
        validation: Dataset | None,
        stage: Stage,
        seed: int,
    ):
        self.network, self.vocabulary, self.stage, self.validation = network, vocabulary, stage, validation
        nouns = sorted({thing.names for example in train.examples for thing in example.things})
        recognition = Recognition(network, vocabulary, nouns)
        batches = Batches(train, vocabulary, stage, network.device)
        self.plain = PlainTask(network, batches, recognition, seed)
        self.paired = PairedTask(network, batches, recognition, seed)

    def active(self, step: int) -> set[str]:
        """The objectives of a step: all but those whose turn it is not."""
        turns = self.stage.take_turns
        waiting = set(turns) - ({turns[step % len(turns)]} if turns else set())
        return {name for name, weight in self.stage.objectives.items() if weight > 0 and name not in waiting}

    def losses(self, step: int) -> dict[str, tuple[float, Tensor]]:
        """-> weight and loss of each objective of the step"""
        active, losses = self.active(step), {}
        if active - OF_PAIRS:
            losses |= self.plain.losses(active, step)
        if active & OF_PAIRS - losses.keys():
            paired = self.paired.losses(active, step)
            if "recognition" in losses:  # of the pictures of both batches
                paired["recognition"] = (paired["recognition"] + losses["recognition"]) / 2
            losses |= paired
        return {name: (self.stage.objectives[name], loss) for name, loss in losses.items()}

    def measure(self) -> dict[str, float]:
        if self.validation is None:
            return {}
        return measure_retrieval(self.network, self.vocabulary, self.validation, self.stage.measure_queries)

    def state(self) -> dict:
        return self.paired.mining.state()

    def load(self, state: dict) -> None:
        self.paired.mining.load(state)
