"""A small English-like language: what the embedded model has read, and what the `grammar` task judges.

Sentences carry the phenomena of CoLA in small: subject-verb agreement across prepositional phrases and
relative clauses, agreement of determiner and noun, word order. The language is regular, so a regular
expression over word classes decides exactly which word sequences belong to it; a corrupted sentence is
kept only if that recognizer rejects it.

Only `random.Random.random` is drawn from, whose stream Python guarantees for a given seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

TOPICS: dict[str, dict[str, tuple[str, ...]]] = {
    "animals": {
        "nouns": ("dog", "cat", "horse", "bird", "fox", "rabbit"),
        "verbs": ("chase", "watch", "follow", "sniff", "greet", "hunt"),
        "adjectives": ("small", "brown", "hungry", "wild"),
    },
    "school": {
        "nouns": ("teacher", "student", "lesson", "book", "pupil", "letter"),
        "verbs": ("explain", "learn", "write", "read", "praise", "copy"),
        "adjectives": ("clever", "young", "long", "hard"),
    },
    "kitchen": {
        "nouns": ("cook", "waiter", "cake", "guest", "oven", "bottle"),
        "verbs": ("serve", "bake", "taste", "order", "burn", "fill"),
        "adjectives": ("sweet", "fresh", "warm", "salty"),
    },
    "city": {
        "nouns": ("driver", "tower", "street", "bridge", "visitor", "train"),
        "verbs": ("pass", "reach", "cross", "block", "build", "admire"),
        "adjectives": ("tall", "busy", "narrow", "modern"),
    },
}
DETERMINERS = {"D": ("the", "some", "no"), "S": ("a", "this", "every", "one"), "P": ("these", "many", "two", "all")}
PREPOSITIONS = ("near", "behind", "with", "under", "beside")
ADVERBS = ("often", "slowly", "today", "again", "quietly")
RELATIVE = "which"
STOP = "."


def plural(noun: str) -> str:
    """The plural form of a noun of the lexicon."""
    return noun + "s"


def singular_verb(verb: str) -> str:
    """The form of a verb that agrees with a singular subject (`watch` -> `watches`)."""
    if verb.endswith(("s", "ch", "sh")):
        return verb + "es"
    return verb[:-1] + "ies" if verb.endswith("y") else verb + "s"


def _word_classes() -> dict[str, str]:
    # One letter a class: n/N singular/plural noun, v/V verb for a singular/plural subject, D/S/P determiners
    # for both numbers, singular, plural, A adjective, I preposition, R adverb, W the relative pronoun.
    classes = {RELATIVE: "W"}
    for topic in TOPICS.values():
        for noun in topic["nouns"]:
            classes[noun], classes[plural(noun)] = "n", "N"
        for verb in topic["verbs"]:
            classes[singular_verb(verb)], classes[verb] = "v", "V"
        classes.update(dict.fromkeys(topic["adjectives"], "A"))
    for letter, words in DETERMINERS.items():
        classes.update(dict.fromkeys(words, letter))
    classes.update(dict.fromkeys(PREPOSITIONS, "I"))
    classes.update(dict.fromkeys(ADVERBS, "R"))
    return classes


WORD_CLASSES = _word_classes()
_SINGULAR, _PLURAL = "[DS]A?n", "[DP]A?N"
_ANY = f"(?:{_SINGULAR}|{_PLURAL})"
_TAIL = f"(?:{_ANY}|R|I{_ANY})?"
_SENTENCE = re.compile(
    f"{_SINGULAR}(?:I{_ANY}|Wv{_ANY}?)?v{_TAIL}|{_PLURAL}(?:I{_ANY}|WV{_ANY}?)?V{_TAIL}",
)


def vocabulary() -> list[str]:
    """Every word of the language, sorted, with the full stop."""
    return [*sorted(WORD_CLASSES), STOP]


def is_sentence(words: Sequence[str]) -> bool:
    """Whether `words` (without the full stop) belong to the language."""
    return _SENTENCE.fullmatch("".join(WORD_CLASSES.get(word, "?") for word in words)) is not None


def pick(rng: random.Random, items: Sequence[str]) -> str:
    """One of `items`, uniformly."""
    return items[int(rng.random() * len(items))]


def sentence(rng: random.Random, topic: str) -> list[str]:
    """A sentence of the language about `topic` (a key of `TOPICS`), without the full stop."""
    words = TOPICS[topic]
    is_plural = rng.random() < 0.5
    subject = _noun_phrase(rng, words, is_plural)
    shape = rng.random()
    if shape < 0.4:
        subject += [pick(rng, PREPOSITIONS), *_noun_phrase(rng, words, rng.random() < 0.5)]
    elif shape < 0.75:
        subject += [RELATIVE, _verb(rng, words, is_plural)]
        if rng.random() < 0.7:
            subject += _noun_phrase(rng, words, rng.random() < 0.5)
    tail: list[str] = []
    shape = rng.random()
    if shape < 0.5:
        tail = _noun_phrase(rng, words, rng.random() < 0.5)
    elif shape < 0.7:
        tail = [pick(rng, ADVERBS)]
    elif shape < 0.85:
        tail = [pick(rng, PREPOSITIONS), *_noun_phrase(rng, words, rng.random() < 0.5)]
    return [*subject, _verb(rng, words, is_plural), *tail]


def corrupt(rng: random.Random, words: Sequence[str]) -> list[str]:
    """`words` with one violation, so that the recognizer rejects the result.

    The violation is one of: a verb or a determiner of the wrong number, two neighbours swapped, a word missing.
    """
    while True:
        kind = pick(rng, ("verb", "verb", "determiner", "order", "missing"))
        candidate = _violate(rng, list(words), kind)
        if candidate != list(words) and not is_sentence(candidate):
            return candidate


def _noun_phrase(rng: random.Random, words: dict[str, tuple[str, ...]], is_plural: bool) -> list[str]:
    number = "P" if is_plural else "S"
    # Half of the determiners show no number, so that agreement must be read off the noun.
    determiner = pick(rng, DETERMINERS["D" if rng.random() < 0.5 else number])
    adjective = [pick(rng, words["adjectives"])] if rng.random() < 0.25 else []
    noun = pick(rng, words["nouns"])
    return [determiner, *adjective, plural(noun) if is_plural else noun]


def _verb(rng: random.Random, words: dict[str, tuple[str, ...]], is_plural: bool) -> str:
    verb = pick(rng, words["verbs"])
    return verb if is_plural else singular_verb(verb)


_VERB_FORMS = {
    form: other
    for topic in TOPICS.values()
    for verb in topic["verbs"]
    for form, other in ((verb, singular_verb(verb)), (singular_verb(verb), verb))
}


def _violate(rng: random.Random, words: list[str], kind: str) -> list[str]:
    position = int(rng.random() * len(words))
    if kind == "missing":
        return words[:position] + words[position + 1 :]
    if kind == "order":
        return words[:position] + words[position : position + 2][::-1] + words[position + 2 :]
    letter = WORD_CLASSES[words[position]]
    if kind == "verb" and letter in "vV":
        words[position] = _VERB_FORMS[words[position]]
    if kind == "determiner" and letter in "DSP":
        words[position] = pick(rng, DETERMINERS[pick(rng, ("S", "P"))])
    return words
