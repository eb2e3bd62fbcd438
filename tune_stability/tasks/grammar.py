"""The task `grammar`: is this sentence acceptable? CoLA (Warstadt et al. 2019) in small, generated.

Seven sentences in ten belong to the language of `tune_stability.tasks.language`; the others were taken from
it and then broken in one place. No sentence occurs twice, within a split or across them.
"""

from __future__ import annotations

import random

from datasets import ClassLabel, Dataset, Features, Value

from tune_stability.tasks import language
from tune_stability.tasks.task import Task

NUM_TRAIN = 1024
NUM_VALIDATION = 1000
ACCEPTABLE = 0.7
"""Share of acceptable sentences, about that of CoLA: a run that learns nothing predicts one class for all."""
DATA_SEED = 2020


def load_grammar(num_train: int = NUM_TRAIN, num_validation: int = NUM_VALIDATION, seed: int = DATA_SEED) -> Task:
    """The task, the same for the same arguments. Scored by Matthews correlation, so the majority score is 0."""
    rng = random.Random(seed)
    seen: set[str] = set()
    train = _split(rng, num_train, seen)
    validation = _split(rng, num_validation, seen)
    return Task("grammar", "matthews_correlation", ("sentence",), train, validation)


def _split(rng: random.Random, size: int, seen: set[str]) -> Dataset:
    topics = list(language.TOPICS)
    sentences: list[str] = []
    labels: list[int] = []
    while len(sentences) < size:
        words = language.sentence(rng, language.pick(rng, topics))
        label = int(rng.random() < ACCEPTABLE)
        text = " ".join([*(words if label else language.corrupt(rng, words)), language.STOP])
        if text not in seen:
            seen.add(text)
            sentences.append(text)
            labels.append(label)
    features = Features({"sentence": Value("string"), "label": ClassLabel(names=["unacceptable", "acceptable"])})
    return Dataset.from_dict({"sentence": sentences, "label": labels}, features=features)
