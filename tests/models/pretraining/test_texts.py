from __future__ import annotations

import random

import pytest

from tune_stability.models.pretraining.texts import Example, ordered_pair, related_pair, running_text
from tune_stability.tasks import language

NOUNS = {
    form: (topic, noun, form != noun)
    for topic, words in language.TOPICS.items()
    for noun in words["nouns"]
    for form in (noun, language.plural(noun))
}
# Four standard deviations of sqrt(.25 / 400) around a half.
EVEN = pytest.approx(0.5, abs=0.1)


def examples(draw: object, number: int = 400, seed: int = 0) -> list[Example]:
    rng = random.Random(seed)
    return [draw(rng) for _ in range(number)]  # type: ignore[operator]


def topics(text: str) -> set[str]:
    return {NOUNS[word][0] for word in text.split() if word in NOUNS}


def sentences(text: str) -> list[list[str]]:
    return [part.split() for part in text.removesuffix(" .").split(" . ")]


@pytest.mark.parametrize("draw", [related_pair, running_text, ordered_pair])
def test_all_text_is_of_the_language_and_set_by_its_generator(draw: object) -> None:
    drawn = examples(draw)
    for first, second, _ in drawn:
        for text in (first, *([second] if second else [])):
            assert text.endswith(" .")
            assert all(language.is_sentence(words) for words in sentences(text))
    assert drawn == examples(draw)
    assert drawn != examples(draw, seed=1)


def test_a_pair_is_related_when_its_sentences_share_a_topic() -> None:
    drawn = examples(related_pair)
    for first, second, label in drawn:
        assert second is not None
        assert len(topics(first)) == len(topics(second)) == 1
        assert (topics(first) != topics(second)) is bool(label)
    assert sum(label for *_, label in drawn) / len(drawn) == EVEN


def test_running_text_is_two_sentences_of_one_topic() -> None:
    for text, second, label in examples(running_text):
        assert (second, label) == (None, 0)
        assert len(sentences(text)) == 2
        assert len(topics(text)) == 1


def follows(first: str, second: str) -> bool:
    """Whether `second` takes up the subject of `first` as "this dog" or "these dogs"."""
    subject = next(word for word in first.split() if word in NOUNS)
    taken_up = next(word for word in second.split() if word in NOUNS)
    return subject == taken_up and second.split()[0] == ("these" if NOUNS[subject][2] else "this")


def test_the_order_of_a_pair_shows_in_both_sentences_together() -> None:
    drawn = examples(ordered_pair)
    ambiguous = 0
    for first, second, label in drawn:
        assert second is not None
        assert len(topics(first) | topics(second)) == 1
        assert follows(second, first) if label else follows(first, second)
        ambiguous += {first.split()[0], second.split()[0]} <= {"this", "these"}
    assert sum(label for *_, label in drawn) / len(drawn) == EVEN
    # In one pair of eight the other sentence begins like this too (four standard deviations: .07).
    assert ambiguous / len(drawn) == pytest.approx(1 / 8, abs=0.07)
