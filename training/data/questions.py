"""VQAv2's annotation files: questions, and for each ten answers of people."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data.pictures import Pictures, Shape, cached

MINIMUM_COUNT = 9  # an answer that is the commonest this often is a label: 3,129 in train and val (paper's code)
SCORES = (
    0.0,
    0.3,
    0.6,
    0.9,
    1.0,
)  # of an answer given by 0, 1, 2, 3, 4 or more people (Anderson et al., 2018)


@dataclass(frozen=True)
class Question:
    text: str
    picture: int
    answers: dict[int, float]  # label -> score; empty where no answer is a label


@dataclass
class QuestionSet:
    questions: list[Question]
    pictures: Pictures
    answers: list[str]

    def captions(self) -> list[str]:
        return [question.text for question in self.questions]

    def by_shape(self) -> dict[Shape, np.ndarray]:
        """Which questions are about pictures of which shape."""
        groups: dict[Shape, list[int]] = {}
        for i, question in enumerate(self.questions):
            groups.setdefault(self.pictures.places[question.picture][0], []).append(i)
        return {shape: np.array(groups[shape]) for shape in sorted(groups)}

    def scores(self, questions: list[Question]) -> Tensor:
        """-> (n, answers)"""
        scores = torch.zeros(len(questions), len(self.answers))
        for row, question in enumerate(questions):
            for label, score in question.answers.items():
                scores[row, label] = score
        return scores


def read_answers(sources: list[str]) -> list[str]:
    """The frequent answers of question files whose annotations lie beside them, the most frequent first."""
    counts: Counter[str] = Counter()
    for source in sources:
        counts.update(normalize(a["multiple_choice_answer"]) for a in read_annotations(Path(source)))
    return [answer for answer, count in counts.most_common() if count >= MINIMUM_COUNT]


def read_questions(
    sources: list[str],
    images: Path,
    answers: list[str],
    *,
    training: bool,
    side: int,
    patch: int,
    cache: Path,
) -> QuestionSet:
    """sources: v2_OpenEnded_mscoco_*_questions.json; images: the folder that holds train2014/ and val2014/, or the
    pictures. Questions without a frequent answer are left out of training."""
    labels = {answer: label for label, answer in enumerate(answers)}
    files: dict[Path, int] = {}
    questions = []
    for source in sources:
        table = json.loads(Path(source).read_text(encoding="utf-8"))
        given = {
            a["question_id"]: [answer["answer"] for answer in a["answers"]] for a in read_annotations(Path(source))
        }
        for entry in table["questions"]:
            counts = Counter(map(normalize, given[entry["question_id"]]))
            scores = {labels[a]: SCORES[min(count, 4)] for a, count in counts.items() if a in labels}
            if training and not scores:
                continue
            file = find_picture(images, table["data_subtype"], entry["image_id"])
            number = files.setdefault(file, len(files))
            questions.append(Question(entry["question"], number, scores))
    return QuestionSet(questions, cached(list(files), cache, side, patch), answers)


def read_annotations(questions: Path) -> list[dict]:
    """v2_OpenEnded_mscoco_train2014_questions.json -> v2_mscoco_train2014_annotations.json, in the same folder"""
    name = questions.name.replace("OpenEnded_", "").replace("_questions", "_annotations")
    return json.loads((questions.parent / name).read_text(encoding="utf-8"))["annotations"]


def find_picture(images: Path, subset: str, number: int) -> Path:
    name = f"COCO_{subset}_{number:012d}.jpg"
    for file in (images / subset / name, images / name):
        if file.exists():
            return file
    raise FileNotFoundError(f"{name} is neither in {images / subset} nor in {images}.")


# Answers are compared as VQA's own evaluation compares them (Agrawal et al., "VQA", 2015)

NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
DIGITS = {word: str(number) for number, word in enumerate(NUMBERS)} | {"none": "0"}
ARTICLES = frozenset({"a", "an", "the"})
CONTRACTIONS = [
    "ain't",
    "aren't",
    "can't",
    "could've",
    "couldn't",
    "didn't",
    "doesn't",
    "don't",
    "hadn't",
    "hasn't",
    "haven't",
    "he'd",
    "he's",
    "how'd",
    "how'll",
    "how's",
    "i'd",
    "i'm",
    "i've",
    "isn't",
    "it'd",
    "it'll",
    "it's",
    "ma'am",
    "might've",
    "mightn't",
    "must've",
    "mustn't",
    "needn't",
    "o'clock",
    "oughtn't",
    "shan't",
    "she'd",
    "she's",
    "should've",
    "shouldn't",
    "somebody's",
    "someone's",
    "something's",
    "that'd",
    "that's",
    "there'd",
    "there're",
    "there's",
    "they'd",
    "they'll",
    "they're",
    "they've",
    "wasn't",
    "we'd",
    "we've",
    "weren't",
    "what'll",
    "what're",
    "what's",
    "what've",
    "when's",
    "where'd",
    "where's",
    "where've",
    "who'd",
    "who'll",
    "who's",
    "who've",
    "why'll",
    "why're",
    "why's",
    "won't",
    "would've",
    "wouldn't",
    "y'all",
    "you'd",
    "you'll",
    "you're",
    "you've",
]
APOSTROPHES = {word.replace("'", ""): word for word in CONTRACTIONS if word not in ("he'd", "i'd", "we'd", "she'd")}
PUNCTUATION = re.compile(r"[;/\[\]\"{}()=+\\_\-><@`,?!]")


def normalize(answer: str) -> str:
    """Lower case, digits for numbers, no articles, no punctuation, apostrophes where they belong."""
    text = answer.lower().replace("\n", " ").replace("\t", " ").strip()
    text = re.sub(r"(?<=\d),(?=\d)", "", text)
    text = PUNCTUATION.sub(" ", text)
    text = re.sub(r"(?<!\d)\.|\.(?!\d)", "", text)
    words = [DIGITS.get(word, word) for word in text.split()]
    return " ".join(APOSTROPHES.get(word, word) for word in words if word not in ARTICLES)
