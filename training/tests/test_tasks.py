"""VQAv2 and NLVR2 from their annotation files, and whole runs by the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import ViltForImagesAndTextClassification, ViltForQuestionAnswering

from training.command import main
from training.data.questions import normalize, read_answers, read_questions
from training.recipe import OBJECTIVES, read_recipe
from training.run import gather
from training.tests.conftest import COLOURS, FULL, PATCH, SIDE, draw

NETWORK = "[network]\nhidden = 32\nlayers = 2\nheads = 2\npatch = 16\nside = 32\nprojection = 8\n"
STAGE = '[[stages]]\nname = "only"\nsteps = 3\nbatch = 6\npairs = 4\nmine_from = 24\nmeasure_queries = 4\n'


def reading(*sources: Path) -> str:
    return f'[data]\ntrain = {json.dumps([str(source) for source in sources])}\nvocabulary = "{FULL}"\n'


def paint(file: Path, colour: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), COLOURS[colour]).save(file, quality=95)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Questions about four pictures; "red" and "blue" are frequent answers, "puce" is the commonest of one question."""
    names = list(COLOURS)
    asked, annotations = [], []
    for i in range(24):
        colour = names[i % 2 * 2]
        paint(tmp_path / f"images/train2014/COCO_train2014_{i % 4:012d}.jpg", colour)
        asked.append({"question_id": i, "image_id": i % 4, "question": f"What colour is it, number {i % 3}?"})
        answers = [{"answer": colour}] * 3 + [{"answer": "puce"}] * 7
        annotations.append({"question_id": i, "answers": answers, "multiple_choice_answer": colour})
    asked.append({"question_id": 99, "image_id": 0, "question": "Why?"})
    annotations.append({"question_id": 99, "answers": [{"answer": "puce"}] * 10, "multiple_choice_answer": "puce"})
    file = tmp_path / "v2_OpenEnded_mscoco_train2014_questions.json"
    file.write_text(json.dumps({"data_subtype": "train2014", "questions": asked}))
    (tmp_path / "v2_mscoco_train2014_annotations.json").write_text(json.dumps({"annotations": annotations}))
    return file


def test_answers_are_compared_as_in_vqa():
    assert normalize("The  Two cats.") == "2 cats"
    assert normalize("dont") == "don't"
    assert normalize("1,000") == "1000"
    assert normalize("3.5 t-shirts!") == "3.5 t shirts"


def test_questions_have_soft_scores(questions, tmp_path):
    answers = read_answers([str(questions)])
    assert sorted(answers) == ["blue", "red"]
    options = {"side": SIDE, "patch": PATCH, "cache": tmp_path / "cache"}
    data = read_questions([str(questions)], tmp_path / "images", answers, training=True, **options)
    assert len(data.questions) == 24
    scores = data.scores(data.questions[:2])
    assert scores.sum().item() == pytest.approx(1.8)  # three of ten say so: 0.9
    assert (
        len(read_questions([str(questions)], tmp_path / "images", answers, training=False, **options).questions) == 25
    )


def test_vqa(questions, tmp_path):
    recipe = tmp_path / "recipe.toml"
    sources = f'train = ["{questions}"]\nvalidation = ["{questions}"]\nimages = "{tmp_path}/images"\n'
    recipe.write_text(
        f'task = "vqa"\n{NETWORK}[data]\n{sources}vocabulary = "{FULL}"\ncache = "{tmp_path}/cache"\n{STAGE}'
    )
    changes = ["stages.only.steps=60", "stages.only.learning_rate=1e-3", "stages.only.augment_rate=0"]
    options = [argument for change in changes for argument in ("--set", change)]
    main(["train", str(recipe), "--output", str(tmp_path / "run"), "--device", "cpu", *options])
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    losses = [line["answering"] for line in lines if "answering" in line]
    assert losses[-1] < losses[0]
    assert [line for line in lines if "accuracy" in line][-1]["accuracy"] == pytest.approx(90 * 24 / 25)
    model = ViltForQuestionAnswering.from_pretrained(tmp_path / "run/model")
    assert sorted(model.config.id2label.values()) == ["blue", "red"]


def test_nlvr2(tmp_path):
    lines = []
    for i in range(8):
        for side in (0, 1):
            paint(tmp_path / f"images/train/{i}/train-{i}-0-img{side}.png", list(COLOURS)[(i + side * (i % 2)) % 4])
        identifier = {"identifier": f"train-{i}-0-0", "directory": i, "label": str(i % 2 == 0)}
        lines.append(json.dumps({"sentence": "both are alike", **identifier}))
    (tmp_path / "train.json").write_text("\n".join(lines))
    recipe = tmp_path / "recipe.toml"
    sources = (
        f'train = ["{tmp_path}/train.json"]\nvalidation = ["{tmp_path}/train.json"]\nimages = "{tmp_path}/images"\n'
    )
    recipe.write_text(
        f'task = "nlvr2"\n{NETWORK}[data]\n{sources}vocabulary = "{FULL}"\ncache = "{tmp_path}/cache"\n{STAGE}'
    )
    main(["train", str(recipe), "--output", str(tmp_path / "run"), "--device", "cpu"])
    logged = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert np.isfinite([line["reasoning"] for line in logged if "reasoning" in line]).all()
    model, info = ViltForImagesAndTextClassification.from_pretrained(tmp_path / "run/model", output_loading_info=True)
    assert not info["missing_keys"]
    assert model.config.num_images == 2


def test_a_run_of_two_stages_goes_on_where_it_ended(tmp_path, capsys):
    draw(tmp_path / "train")
    draw(tmp_path / "val", 9, "val")
    recipe = tmp_path / "recipe.toml"
    second = STAGE.replace("only", "second")
    weights = "[stages.objectives]\n" + "".join(f"{name} = 1\n" for name in OBJECTIVES)
    recipe.write_text(
        f'{NETWORK}[data]\ntrain = ["{tmp_path}/train"]\nvalidation = ["{tmp_path}/val"]\nvocabulary = "{FULL}"\n'
        f"{STAGE}[stages.objectives]\ncontrastive = 1\n{second}{weights}"
    )
    run = tmp_path / "run"
    main(["train", str(recipe), "--output", str(run), "--device", "cpu"])
    log = (run / "log.jsonl").read_text()
    assert [json.loads(line)["step"] for line in log.splitlines()] == [0, 3, 3, 0, 3, 3]
    weights = torch.load(run / "checkpoint.pt", weights_only=True)["network"]
    kept = json.loads((run / "recipe.json").read_text())
    for each in kept["stages"]:
        del each["part_rate"]  # begun before there was one
    (run / "recipe.json").write_text(json.dumps(kept))
    main(["train", str(recipe), "--output", str(run), "--device", "cpu"])  # nothing is left to do
    again = torch.load(run / "checkpoint.pt", weights_only=True)["network"]
    assert all(torch.equal(weights[name], again[name]) for name in weights)

    capsys.readouterr()
    main(["recall", str(run / "model"), str(tmp_path / "val"), "--split", "val", "--queries", "4", "--device", "cpu"])
    logged = json.loads(log.splitlines()[-1])
    assert {k: v for k, v in logged.items() if k not in ("stage", "step")} == json.loads(capsys.readouterr().out)
    main(["plot", str(run)])
    assert (run / "curves.svg").read_text().count("<polyline") >= 10
    with pytest.raises(SystemExit, match="run of another recipe"):
        main(["train", str(recipe), "--output", str(run), "--set", "seed=2"])


def test_bad_recipes_are_told(tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(STAGE + "stepz = 1\n")
    with pytest.raises(ValueError, match="unknown stepz"):
        read_recipe(recipe)
    recipe.write_text(STAGE + "[stages.objectives]\nmatchin = 1\n")
    with pytest.raises(ValueError, match="no objective matchin"):
        read_recipe(recipe)
    recipe.write_text(STAGE)
    with pytest.raises(ValueError, match="but only has none"):
        read_recipe(recipe)
    recipe.write_text(STAGE + "[stages.objectives]\nmatching = 0\n")
    with pytest.raises(ValueError, match="no objective has a weight above 0"):
        read_recipe(recipe)
    recipe.write_text(STAGE + "[stages.objectives]\nmatching = 1\n")
    assert read_recipe(recipe, ["stages.only.steps=9", "network.start=data/model"]).stages[0].steps == 9
    with pytest.raises(ValueError, match="there is no stage other"):
        read_recipe(recipe, ["stages.other.steps=9"])
    with pytest.raises(ValueError, match="mean_decay is from 0 to below 1, but is 1"):
        read_recipe(recipe, ["stages.only.mean_decay=1"])
    with pytest.raises(ValueError, match="false_pictures is 1 or more, but is 0"):
        read_recipe(recipe, ["stages.only.false_pictures=0"])
    for shares in ("[0.0, 1.0]", "[1.0, -1.0]"):
        with pytest.raises(ValueError, match="caption_shares are from 0 on, and the first"):
            read_recipe(recipe, [f"stages.only.caption_shares={shares}"])
    with pytest.raises(ValueError, match="share from 0 to 1, but is 2"):
        read_recipe(recipe, ["stages.only.keep_start=2", "network.start=data/model"])
    with pytest.raises(ValueError, match="but only has it"):
        read_recipe(recipe, ["stages.only.keep_start=0.5"])


def test_a_stage_may_read_a_part_of_the_data(tmp_path):
    for name in ("one", "two"):
        draw(tmp_path / name)
    recipe = tmp_path / "recipe.toml"
    data = reading(tmp_path / "one", tmp_path / "two")
    recipe.write_text(f"{NETWORK}{data}{STAGE}[stages.objectives]\nmasking = 1\n")
    whole = gather(read_recipe(recipe), torch.device("cpu"))
    (stage,) = read_recipe(recipe, [f'stages.only.train=["{tmp_path}/two"]']).stages
    everything, part = (whole.task(chosen, 1).plain.batches.train for chosen in (read_recipe(recipe).stages[0], stage))
    assert len(everything) == 2 * len(part) > 0
    with pytest.raises(ValueError, match="train is for pretraining"):
        read_recipe(recipe, ['stages.only.train=["elsewhere"]'])


def test_a_whole_vocabulary_is_trained_and_measured_with_its_own_ids(tmp_path, capsys):
    draw(tmp_path / "train")
    recipe = tmp_path / "recipe.toml"
    data = reading(tmp_path / "train") + "prune = false\n"
    recipe.write_text(f"{NETWORK}{data}{STAGE}[stages.objectives]\ncontrastive = 1\nmasking = 1\n")
    main(["train", str(recipe), "--output", str(tmp_path / "run"), "--device", "cpu"])
    assert (tmp_path / "run/model/vocab.txt").read_text().splitlines() == FULL.read_text().splitlines()
    capsys.readouterr()
    measured = [str(tmp_path / "run/model"), str(tmp_path / "train"), "--split", "train", "--queries", "0"]
    main(["recall", *measured, "--device", "cpu"])
    assert json.loads(capsys.readouterr().out)["nearest@32"] == 100
    with pytest.raises(SystemExit, match="has no rank_output"):
        main(["recall", *measured[:-1], "4", "--device", "cpu"])


@pytest.mark.parametrize("recipe", sorted((FULL.parents[2] / "training/recipes").glob("*.toml")), ids=lambda r: r.stem)
def test_the_recipes_are_read(recipe: Path):
    assert read_recipe(recipe).stages


def test_a_stage_may_begin_nearer_to_the_start(tmp_path):
    draw(tmp_path / "train")
    recipe = tmp_path / "recipe.toml"
    data = reading(tmp_path / "train")
    recipe.write_text(f"{NETWORK}{data}{STAGE}[stages.objectives]\nmasking = 1\n")
    main(["train", str(recipe), "--output", str(tmp_path / "start")])
    text = f'[network]\nstart = "{tmp_path}/start/model"\n{data}{STAGE}[stages.objectives]\nmasking = 1\n'
    recipe.write_text(
        text + STAGE.replace("only", "back") + "keep_start = 1\nlearning_rate = 0\n[stages.objectives]\nmasking = 1\n"
    )
    main(["train", str(recipe), "--output", str(tmp_path / "run")])
    start, end = (load_file(tmp_path / run / "model/model.safetensors") for run in ("start", "run"))
    assert all(torch.equal(start[name], end[name]) for name in start)


def test_negatives_of_an_untrained_prefilter_are_refused(tmp_path):
    draw(tmp_path / "train")
    recipe = tmp_path / "recipe.toml"
    data = reading(tmp_path / "train")
    recipe.write_text(f"{NETWORK}{data}{STAGE}[stages.objectives]\nmatching = 1\n")
    with pytest.raises(SystemExit, match="prefilter that was never trained"):
        main(["train", str(recipe), "--output", str(tmp_path / "run")])
