import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.vilt.image_processing_pil_vilt import ViltImageProcessorPil

from training.data.augmentation import COLOUR, GEOMETRY, about_centre, augment, move_boxes, warp
from training.data.dataset import TRAIN, Example, Thing, read_dataset, read_datasets
from training.data.edits import BACKGROUNDS, edit_caption
from training.data.order import BatchOrder
from training.data.pictures import model_size, read_picture
from training.data.vocabulary import SPECIALS, Vocabulary, drop_words, prune
from training.tests.conftest import CAT, FOX, FULL, PATCH, SIDE, draw


def test_captions_are_drawn_by_their_shares():
    random = np.random.default_rng(1)
    example = Example(["first", "second", "third"], [None] * 3)

    def counts(shares: tuple[float, ...]) -> list[int]:
        drawn = [example.draw_caption(shares, random) for _ in range(3000)]
        return [drawn.count(caption) for caption in example.captions]

    first, second, third = counts((0.6, 0.2, 0.2, 9.0))  # a share for which there is no caption is not missed
    assert (first, second, third) == pytest.approx((1800, 600, 600), abs=120)
    assert counts((1.0,)) == [3000, 0, 0]
    assert counts(()) == pytest.approx([1000] * 3, abs=120)


def test_the_false_noun_is_drawn_by_its_chances():
    nouns = [("bear", "bears"), CAT.names, FOX.names, ("owl", "owls")]
    example = Example(["a fox"], [None], [FOX])
    random = np.random.default_rng(1)
    edits = [edit_caption("a fox", example, nouns, random, np.array([0.9, 0, 0, 0.1])) for _ in range(500)]
    assert set(edits) == {"a bear", "an owl"}
    assert edits.count("a bear") == pytest.approx(450, abs=30)


def test_a_missing_split_is_told(scenes, tmp_path):
    with pytest.raises(ValueError, match="no picture of the split val; it has train"):
        read_dataset(scenes, frozenset({"val"}), side=SIDE, patch=PATCH, cache=tmp_path)


def test_short_pixels_are_told(scenes, tmp_path):
    raw = (scenes / "images.bin").read_bytes()
    (scenes / "images.bin").write_bytes(raw[:-1])
    with pytest.raises(ValueError, match="not whole"):
        read_dataset(scenes, frozenset({"train"}), side=SIDE, patch=PATCH, cache=tmp_path)


def test_raw_pictures_of_several_shapes(data):
    assert {shape: len(group) for shape, group in data.pictures.by_shape().items()} == {(32, 32): 16, (32, 48): 8}
    picture = data.pictures.take(np.array([2]), torch.device("cpu"))[0]
    assert picture.shape == (32, 48, 3)
    left, right = picture[0, 0].tolist(), picture[0, -1].tolist()
    assert left != right
    assert data.examples[2].swapped[0].count("right of") == 1


def test_files_are_resized_as_the_reference_does(tmp_path):
    random = np.random.default_rng(1)
    images = []
    for i, size in enumerate([(70, 50), (50, 90), (40, 100)]):
        Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
        images.append({"imgid": i, "filename": f"{i}.png", "split": "train", "sentences": [{"raw": "noise"}]})
    (tmp_path / "dataset_noise.json").write_text(json.dumps({"images": images}))
    reference = ViltImageProcessorPil(size={"shortest_edge": SIDE}, size_divisor=PATCH)
    for _ in range(2):  # the second time from the cache
        data = read_dataset(tmp_path, frozenset({"train"}), side=SIDE, patch=PATCH, cache=tmp_path / "cache")
        for i in range(3):
            with Image.open(tmp_path / f"{i}.png") as image:
                expected = reference(image, return_tensors="np", do_normalize=False, do_rescale=False)["pixel_values"][
                    0
                ]
            found = data.pictures.take(np.array([i]), torch.device("cpu"))[0]
            assert np.array_equal(found.permute(2, 0, 1).numpy(), expected)


def test_transparent_pictures_lie_on_white(tmp_path):
    Image.new("RGBA", (32, 32), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png", SIDE, PATCH) == 255).all()
    assert model_size(10, 2000, SIDE, PATCH) == (16, 48)  # at least one patch across


def test_a_pruned_vocabulary_reads_its_captions_as_the_whole_one():
    captions = ["two foxes on a skateboard", "a fox, unbelievably red"]
    pruned, whole = prune(FULL, captions), Vocabulary(FULL.read_text().splitlines())
    ids, words = pruned.encode(captions)
    expected, _ = whole.encode(captions)
    assert [[pruned.pieces[i] for i in row] for row in ids] == [[whole.pieces[i] for i in row] for row in expected]
    assert words[1].max() == 4
    assert pruned.encode(["a zebra"])[0].tolist()[0][2] == pruned.unknown


def test_a_whole_vocabulary_keeps_its_ids():
    whole = Vocabulary(FULL.read_text().splitlines())
    assert whole.encode(["a [MASK]"])[0].tolist() == [[101, 1037, 103, 102]]
    assert (whole.unknown, whole.mask, whole.first_word) == (100, 103, 104)
    with pytest.raises(ValueError, match=r"lacks \[MASK\]"):
        Vocabulary([*SPECIALS[:4], "fox"])
    with pytest.raises(ValueError, match=r"begins with fox"):
        Vocabulary(["fox", *SPECIALS])


def test_dropped_words_become_one_unknown_token(vocabulary):
    text = drop_words("a red wall", 1.0, np.random.default_rng(0))
    ids, _ = vocabulary.encode([text])
    assert ids.tolist() == [[2, *[vocabulary.unknown] * 3, 3]]
    assert drop_words("a red wall", 0, np.random.default_rng(0)) == "a red wall"


def test_edits_are_false_and_well_formed():
    random = np.random.default_rng(0)
    nouns = [FOX.names, CAT.names, ("owl", "owls"), ("animal", "animals")]
    example = Example(["a fox to the left of two cats"], [None], [FOX, CAT])
    edits = {edit_caption("a red fox to the left of two cats", example, nouns, random) for _ in range(200)} - {None}
    assert "a red fox to the right of two cats" in edits
    assert "a red fox to the left of three cats" in edits
    assert "an orange fox to the left of two cats" in edits
    assert "a red owl to the left of two cats" in edits
    assert "a red fox to the left of two owls" in edits
    assert not any("animal" in edit or edit == "a red fox to the left of two cats" for edit in edits)
    assert edit_caption("a picture", Example(["a picture"], [None]), [], random) is None


def test_edits_do_not_give_themselves_away():
    random = np.random.default_rng(0)
    nouns = [FOX.names, CAT.names, ("owl", "owls"), ("milk", "glasses of milk"), ("grapes",)]

    def edits(caption: str, *things: Thing) -> set[str | None]:
        return {edit_caption(caption, Example([caption], [None], list(things)), nouns, random) for _ in range(100)}

    assert edits("A fox under the stars", FOX) == {"a cat under the stars", "an owl under the stars"}
    assert edits("An orange below snowy peaks", Thing(("orange", "oranges"), (), ())) == {
        f"{other} below snowy peaks" for other in ("a fox", "a cat", "an owl")
    }
    assert edits("some milk", Thing(("milk", "glasses of milk"), (), ())) == {"some grapes"}
    assert edits("two sheep", Thing(("sheep",), (), ())) >= {"two foxes", "three sheep"}
    assert not any("milk" in edit or "grapes" in edit for edit in edits("two sheep", Thing(("sheep",), (), ())))
    assert "an owl" in edits("a sheep", Thing(("sheep",), (), ()))
    assert edits("a top hat", Thing(("hat", "hats"), ("top hat", "top hats"), ())) == {None}
    assert "a fox in front of a window" not in edits("a fox behind a window", FOX)
    assert edits("a cat in a green field", CAT) == {"a fox in a green field", "an owl in a green field"}
    assert "a fox on top of two cats" in edits("a fox underneath two cats", FOX, CAT)
    assert "a fox underneath and a cat on top" in edits("a fox on top and a cat underneath", FOX, CAT)
    assert all("bottom" not in edit for edit in edits("a fox with a top hat", FOX))


def test_tints_are_exchanged_for_tints():
    random = np.random.default_rng(0)
    fox = Thing(FOX.names, (), ((0.5, 0.5, 0.1, 0.1),), "red")
    captions = ["a red thing", "something on a white background"]
    edits = [{edit_caption(c, Example([c], [None], [fox]), [], random) for _ in range(200)} for c in captions]
    assert "a pink thing" in edits[0]
    assert "a brown thing" not in edits[0]
    assert edits[1] == {f"something on a {colour} background" for colour in BACKGROUNDS[1:]}


def test_a_relation_of_a_drawn_scene_is_edited_as_the_scene_says():
    captions, swapped = (
        ["a fox on top and a cat underneath", "a fox, above"],
        ["a cat on top and a fox underneath", None],
    )
    example = Example(captions, swapped, [FOX, CAT], has_relation=True)

    def edits(caption: str) -> set[str | None]:
        return {edit_caption(caption, example, [], np.random.default_rng(i)) for i in range(50)}

    assert edits(captions[0]) == {swapped[0]}
    assert edits(captions[1]) == edits("[UNK] fox on top and a cat underneath") == {None}


def test_an_epoch_has_each_example_once_in_batches_of_one_shape():
    shapes = {(1, 1): np.arange(6), (1, 2): np.arange(6, 11)}  # five make two batches of two
    order = BatchOrder(shapes, 2, seed=3)
    epochs = [[order[step] for step in range(start, start + 5)] for start in (0, 5)]
    for epoch in epochs:
        seen = np.concatenate(epoch)
        assert len(set(seen)) == 10
        assert all(len({index < 6 for index in batch}) == 1 for batch in epoch)
    assert not np.array_equal(np.concatenate(epochs[0]), np.concatenate(epochs[1]))
    assert np.array_equal(BatchOrder(shapes, 2, seed=3)[7], epochs[1][2])
    few = BatchOrder({**shapes, (2, 1): np.array([11])}, 4, seed=3)  # fewer than a batch are one smaller batch
    assert sorted(len(few[step]) for step in range(few.length)) == [1, 4, 4]
    with pytest.raises(ValueError, match="no example was read"):
        BatchOrder({}, 4, seed=3)


@pytest.mark.parametrize("geometry", GEOMETRY)
@pytest.mark.parametrize("sign", [-1, 1])
def test_boxes_follow_the_pictures(geometry, sign: int):
    pixels = torch.full((1, 3, 48, 72), 127.5)
    pixels[:, :, 12:18, 50:58] = 255  # centre at (54 / 72, 15 / 48)
    box = np.array([[[54 / 72, 15 / 48, 8 / 72, 6 / 48]]])
    matrices = geometry(sign, 72 / 48)[None]
    found = warp(pixels, matrices, np.array([0]))[0].mean(0) - 127.5
    x, y = move_boxes(box, about_centre(matrices)[:, :2])[0, 0, :2]
    xs, ys = torch.arange(72) + 0.5, torch.arange(48) + 0.5
    assert (found.sum(0) * xs).sum() / found.sum() / 72 == pytest.approx(x, abs=0.005)
    assert (found.sum(1) * ys).sum() / found.sum() / 48 == pytest.approx(y, abs=0.005)
    assert max(abs(x - box[0, 0, 0]), abs(y - box[0, 0, 1])) > 0.01


def test_augmentation_keeps_colours_apart_and_levels_in_range():
    pixels = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (32, 32, 32, 3), dtype=np.uint8))
    pixels[:, :, :, 0] = 255 - pixels[:, :, :, 1]
    found, _ = augment(pixels, np.random.default_rng(2), rate=1)
    assert found.shape == pixels.shape
    assert found.min() >= 0
    assert found.max() <= 255
    flat = torch.full((1, 3, 8, 8), 77.0)
    assert all(operation(flat).isfinite().all() for operation in COLOUR)
    assert len(COLOUR) + len(GEOMETRY) == 13
    red = torch.zeros(1, 3, 8, 8)
    red[:, 0, ::2] = 220
    for operation in COLOUR:
        result = operation(red).mean((0, 2, 3))
        assert result[0] >= result[1:].max()


def test_augmentation_leaves_a_share_of_the_pictures_as_they_are():
    pixels = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (400, 8, 8, 3), dtype=np.uint8))
    for rate in (0, 0.25, 1):
        found, moved = augment(pixels, np.random.default_rng(2), rate)
        same = (found == pixels).flatten(1).all(1).numpy()
        assert np.abs((~same).mean() - rate) < 0.06
        assert (moved[same] == np.eye(3)[:2]).all()


def test_a_part_of_joined_datasets_is_as_if_read_alone(tmp_path):
    sources = [str(draw(tmp_path / name, count)) for name, count in (("one", 9), ("two", 14))]
    sizes = {"side": SIDE, "patch": PATCH, "cache": tmp_path / "cache"}
    whole = read_datasets(sources, TRAIN, **sizes)
    for source in sources:
        part, alone = whole.only([source]), read_dataset(Path(source), TRAIN, **sizes)
        assert part.examples == alone.examples
        for group in alone.pictures.group(np.arange(len(alone))):
            taken = [data.pictures.take(group, torch.device("cpu")) for data in (part, alone)]
            assert torch.equal(*taken)
