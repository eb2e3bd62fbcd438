from __future__ import annotations

import random
from collections import Counter

import pytest

from tune_stability.tasks import language
from tune_stability.tasks.language import (
    TOPICS,
    WORD_CLASSES,
    corrupt,
    is_sentence,
    sentence,
    singular_verb,
    vocabulary,
)

GOOD = {
    "plain": ["the dog watches", "the dogs watch", "no horses sniff", "one bridge blocks"],
    "object": ["a dog chases the cats", "these dogs chase a cat", "every pupil copies all letters"],
    "adverb": ["some waiter serves today", "many waiters serve slowly"],
    "place": ["this train passes under the bridge", "two trains pass behind every tower"],
    "adjective": [
        "the small dog watches the wild fox",
        "all clever students read some long book",
        "a dog greets a young fox",
    ],
    "attractor": [
        "the dog near the cats watches",
        "the dogs near the cat watch",
        "a cook with many warm cakes burns no oven",
        "two drivers beside this tall tower cross again",
    ],
    "relative": [
        "the dog which watches chases a bird",
        "the dogs which watch chase a bird",
        "the dog which watches the cats chases a bird",
        "some students which praise one young teacher write often",
        # The determiner shows no number, so the noun alone decides.
        "no guest which tastes some cakes orders",
    ],
    "topics mixed": ["the dog near these streets explains a cake"],
}

BAD = {
    "agreement": ["the dog watch", "the dogs watches", "no guests orders the cake", "one bridge block"],
    "agreement past a phrase": [
        "the dog near the cats watch",
        "the dogs near the cat watches",
        "two drivers beside this tall tower crosses again",
    ],
    "agreement past a clause": [
        "the dog which watches the cats chase a bird",
        "the dogs which watch the cat chases a bird",
        "the dog which watches chase a bird",
    ],
    "agreement inside a clause": [
        "the dog which watch the cats chases a bird",
        "the dogs which watches the cat chase a bird",
        "the dog which watch chases",
    ],
    "determiner of the subject": ["a dogs watch", "these dog watches", "every small dogs watch", "many bird follows"],
    "determiner of the object": ["the dog watches a cats", "the dog watches these small cat"],
    "determiner in a phrase": ["the dog near these cat watches", "the dog watches near one cats"],
    "determiner in a clause": ["the dog which watches two cat chases a bird"],
    "order": [
        "dog the watches",
        "the watches dog",
        "the dog small watches",
        "small the dog watches",
        "the dog cats the near watches",
        "the which dog watches chases",
        "today the dog watches",
        "the dog the cat watches",
    ],
    "missing": [
        "",
        "the",
        "dog",
        "watches",
        "dog watches",
        "the watches",
        "the dog",
        "the dog the cat",
        "the dog near watches",
        "the dog near the watches",
        "the dog which watches",
        "the dog which watches the cat",
        "the dog watches near",
        "the dog watches small cat",
    ],
    "too much": [
        "the the dog watches",
        "the dog watches watches",
        "the dog watches the cat today",
        "the small wild dog watches",
        "the dog near the cat near the fox watches",
        "the dog near the cat which watches chases",
        "the dog watches the dog watches",
    ],
    "words of no class": [
        "the unicorn watches",
        "The dog watches",
        "the dog watches .",
        "the dog watches ?",
        "thedog watches",
    ],
}


def pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(phenomenon, text) for phenomenon, texts in table.items() for text in texts]


@pytest.mark.parametrize(("phenomenon", "text"), pairs(GOOD))
def test_sentences_of_the_language(phenomenon: str, text: str) -> None:
    assert is_sentence(text.split()), phenomenon


@pytest.mark.parametrize(("phenomenon", "text"), pairs(BAD))
def test_what_is_no_sentence(phenomenon: str, text: str) -> None:
    assert not is_sentence(text.split()), phenomenon


@pytest.mark.parametrize(
    ("verb", "form"),
    [("watch", "watches"), ("pass", "passes"), ("copy", "copies"), ("chase", "chases"), ("read", "reads")],
)
def test_verb_forms(verb: str, form: str) -> None:
    assert singular_verb(verb) == form


def test_every_word_has_one_class() -> None:
    # 24 nouns and 24 verbs in two forms, 16 adjectives, 3 + 4 + 4 determiners, 5 prepositions, 5 adverbs, `which`.
    assert len(WORD_CLASSES) == 48 + 48 + 16 + 11 + 5 + 5 + 1
    assert Counter(WORD_CLASSES.values()) == Counter(n=24, N=24, v=24, V=24, A=16, D=3, S=4, P=4, I=5, R=5, W=1)
    assert len(vocabulary()) == len(set(vocabulary())) == 135
    assert vocabulary()[:-1] == sorted(WORD_CLASSES)
    assert vocabulary()[-1] == "."
    assert all(word == word.lower() and word.isalpha() for word in WORD_CLASSES)


def sentences(number: int, seed: int = 0) -> list[tuple[str, list[str]]]:
    rng = random.Random(seed)
    topics = [language.pick(rng, list(TOPICS)) for _ in range(number)]
    return [(topic, sentence(rng, topic)) for topic in topics]


def test_every_generated_sentence_is_accepted() -> None:
    generated = sentences(5000)
    assert [words for _, words in generated if not is_sentence(words)] == []
    # They are no handful of sentences over and over.
    assert len({" ".join(words) for _, words in generated}) > 4000


def test_a_sentence_keeps_to_its_topic() -> None:
    for topic, words in sentences(1000, seed=1):
        own = TOPICS[topic]
        content = {
            *own["nouns"],
            *map(language.plural, own["nouns"]),
            *own["verbs"],
            *map(singular_verb, own["verbs"]),
            *own["adjectives"],
        }
        assert {word for word in words if WORD_CLASSES[word] in "nNvVA"} <= content


def test_every_word_and_shape_is_generated() -> None:
    generated = [words for _, words in sentences(5000)]
    assert {word for words in generated for word in words} == set(WORD_CLASSES)
    with_phrase = sum(
        WORD_CLASSES[words[2]] == "I" or WORD_CLASSES[words[3]] == "I" for words in generated if len(words) > 3
    )
    with_clause = sum("which" in words for words in generated)
    assert with_clause / 5000 == pytest.approx(0.35, abs=0.03)
    assert with_phrase / 5000 > 0.3


def violation(before: list[str], after: list[str]) -> str:
    if len(after) == len(before) - 1:
        assert any(before[:i] + before[i + 1 :] == after for i in range(len(before)))
        return "missing"
    assert len(after) == len(before)
    places = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    if len(places) == 2:
        first, second = places
        assert second == first + 1
        assert (before[first], before[second]) == (after[second], after[first])
        return "order"
    assert len(places) == 1
    classes = {WORD_CLASSES[before[places[0]]], WORD_CLASSES[after[places[0]]]}
    assert classes == {"v", "V"} or classes <= {"D", "S", "P"}
    return "verb" if classes == {"v", "V"} else "determiner"


def test_every_corruption_is_rejected_and_is_one_violation() -> None:
    rng = random.Random(2)
    seen: Counter[str] = Counter()
    for _, words in sentences(4000, seed=3):
        kept = list(words)
        broken = corrupt(rng, words)
        assert words == kept
        assert not is_sentence(broken)
        seen[violation(words, broken)] += 1
    assert set(seen) == {"missing", "order", "verb", "determiner"}
    assert min(seen.values()) > 200


class OnlyRandom:
    """Of a generator, the one method whose stream Python guarantees."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random


def test_only_the_guaranteed_stream_is_drawn_from() -> None:
    rng = OnlyRandom(5)
    for topic in TOPICS:
        words = sentence(rng, topic)  # type: ignore[arg-type]
        assert not is_sentence(corrupt(rng, words))  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_sentences() -> None:
    assert sentences(50, seed=7) == sentences(50, seed=7)
    assert sentences(50, seed=7) != sentences(50, seed=8)


def test_pick_is_uniform_and_takes_the_ends() -> None:
    counts = Counter(language.pick(random.Random(seed), "abcd") for seed in range(4000))
    assert set(counts) == set("abcd")
    assert all(abs(count - 1000) < 120 for count in counts.values())  # over four standard deviations of 27
