"""The text of each family's pre-training: one example after the other, drawn from the language of the task.

An example is a first text, a second one (none where the family reads a single text), and the label of the pair.
"""

from __future__ import annotations

import random

from tune_stability.tasks import language

Example = tuple[str, str | None, int]
_DEMONSTRATIVES = {"n": "this", "N": "these"}


def related_pair(rng: random.Random) -> Example:
    """Two sentences, and 1 if they have different topics: BERT's objective, with a topic in the place of a document."""
    topics = list(language.TOPICS)
    topic = language.pick(rng, topics)
    is_unrelated = rng.random() < 0.5
    other = language.pick(rng, [t for t in topics if t != topic]) if is_unrelated else topic
    return _text(language.sentence(rng, topic)), _text(language.sentence(rng, other)), int(is_unrelated)


def running_text(rng: random.Random) -> Example:
    """Two sentences of one topic as a single text, and no label: RoBERTa reads full sentences and predicts words."""
    topic = language.pick(rng, list(language.TOPICS))
    sentences = [_text(language.sentence(rng, topic)) for _ in range(2)]
    return " ".join(sentences), None, 0


def ordered_pair(rng: random.Random) -> Example:
    """Two sentences of one topic that follow each other, and 1 if they were swapped: ALBERT's objective."""
    topic = language.pick(rng, list(language.TOPICS))
    first = language.sentence(rng, topic)
    second = _following(rng, first, topic)
    is_swapped = rng.random() < 0.5
    pair = (second, first) if is_swapped else (first, second)
    return _text(pair[0]), _text(pair[1]), int(is_swapped)


def _following(rng: random.Random, first: list[str], topic: str) -> list[str]:
    """A sentence about the subject of `first`, which it takes up as "this dog" or "these dogs".

    A sentence that follows nothing may begin so too, so that order shows for sure only in both sentences together.
    """
    number, subject = next(noun for noun in map(_noun, first) if noun)
    while True:
        second = language.sentence(rng, topic)
        place = next(place for place, word in enumerate(second) if _noun(word))
        if language.WORD_CLASSES[second[place]] == number:
            return [_DEMONSTRATIVES[number], *second[1:place], subject, *second[place + 1 :]]


def _noun(word: str) -> tuple[str, str] | None:
    letter = language.WORD_CLASSES[word]
    return (letter, word) if letter in _DEMONSTRATIVES else None


def _text(words: list[str]) -> str:
    return " ".join([*words, language.STOP])
