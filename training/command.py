"""The command line: train, average, plot, recall."""

import argparse
import json
import sys
from pathlib import Path

import torch

from training.averaging import average_models
from training.data.dataset import read_datasets
from training.data.vocabulary import Vocabulary
from training.measure import measure_retrieval
from training.memory import keep_freed_memory
from training.plot import plot
from training.recipe import Network, read_recipe
from training.run import run_recipe
from training.start import build_network, read_vocabulary

FULL_VOCABULARY = Path("data/vocabulary/bert-base-uncased.txt")


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        options.verb(options)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="patchword-train", description="Trains ViLT checkpoints for Patchword.")
    parser.set_defaults(threads=None)
    verbs = parser.add_subparsers(required=True)

    verb = verbs.add_parser("train", help="train the stages of a recipe, or go on with them")
    verb.add_argument("recipe", type=Path)
    verb.add_argument("--output", type=Path, required=True, help="folder of the run: log, checkpoint, model/")
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change the recipe: seed=2, stages.NAME.steps=100",
    )
    add_machine(verb)
    verb.set_defaults(verb=train)

    verb = verbs.add_parser("average", help="average the weights of models that were trained on from the same ones")
    verb.add_argument("models", type=Path, nargs="+", help="the last one's vocabulary and sizes are kept")
    verb.add_argument("--shares", type=float, nargs="+", required=True, help="of each model, 1 together")
    verb.add_argument("--output", type=Path, required=True, help="folder of the model to write")
    verb.set_defaults(verb=average)

    verb = verbs.add_parser("plot", help="draw the log of a run as SVG")
    verb.add_argument("run", type=Path)
    verb.add_argument("--output", type=Path, help="default: curves.svg in the run's folder")
    verb.set_defaults(verb=draw)

    verb = verbs.add_parser("recall", help="measure a model on captioned pictures")
    verb.add_argument("model", type=Path)
    verb.add_argument("data", nargs="+")
    verb.add_argument("--split", default="test")
    verb.add_argument("--queries", type=int, default=1000, help="reranked, 0 for none (default: 1000)")
    verb.add_argument("--cache", type=Path, default=Path(".training-cache"))
    add_machine(verb)
    verb.set_defaults(verb=recall)
    return parser.parse_args(arguments)


def add_machine(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    verb.add_argument("--threads", type=int, help="of the CPU (default: PyTorch's)")


def train(options: argparse.Namespace) -> None:
    recipe = read_recipe(options.recipe, options.set)
    if options.device == "cpu":
        keep_freed_memory()
    print(run_recipe(recipe, options.output, torch.device(options.device)))


def average(options: argparse.Namespace) -> None:
    average_models(options.models, options.shares, options.output, FULL_VOCABULARY)
    print(options.output)


def draw(options: argparse.Namespace) -> None:
    output = options.output or options.run / "curves.svg"
    plot(options.run / "log.jsonl", output)
    print(output)


def recall(options: argparse.Namespace) -> None:
    pieces = read_vocabulary(options.model, FULL_VOCABULARY)
    vocabulary = Vocabulary(pieces)
    network, heads = build_network(Network(start=str(options.model)), vocabulary, FULL_VOCABULARY)
    missing = {"prefilter", *(["rank_output"] if options.queries else [])} - heads
    if missing:
        raise ValueError(f"{options.model} has no {' and no '.join(sorted(missing))}, which recall is measured with.")
    config = network.config
    data = read_datasets(
        options.data,
        frozenset({options.split}),
        side=config.image_size,
        patch=config.patch_size,
        cache=options.cache,
    )
    network.to(options.device)
    print(json.dumps(measure_retrieval(network, vocabulary, data, options.queries)))
