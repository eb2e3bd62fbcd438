"""The models that ship: what they were made with, and what they have learned."""

from __future__ import annotations

import json
import random
from dataclasses import asdict

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, AutoTokenizer

from tune_stability.models.catalog import EMBEDDED
from tune_stability.models.pretraining.architectures import ARCHITECTURES
from tune_stability.tasks import language

ALL = pytest.mark.parametrize("model", EMBEDDED)


@ALL
def test_a_shipped_model_was_made_with_the_defaults(model: str) -> None:
    record = json.loads((EMBEDDED[model].folder / "pretraining.json").read_text())
    spec = ARCHITECTURES[model].spec
    assert record["spec"] == asdict(spec)
    assert record["log"][-1]["step"] == spec.steps
    assert record["parameters"] == AutoModelForPreTraining.from_pretrained(EMBEDDED[model].folder).num_parameters()


@ALL
def test_a_shipped_models_log_ends_well_above_chance(model: str) -> None:
    log = json.loads((EMBEDDED[model].folder / "pretraining.json").read_text())["log"]
    end = log[-10:]
    # One word in seven is the full stop, so .15 takes no grammar.
    assert sum(entry["masked_word_accuracy"] for entry in end) / len(end) > 0.25
    assert log[0]["masked_word_accuracy"] < 0.2
    if ARCHITECTURES[model].pair_label:
        # Pairs are even. Of ALBERT's the first words alone tell seven in eight, and half of the others by chance.
        assert sum(entry["pair_accuracy"] for entry in end) / len(end) > 0.9
        assert log[0]["pair_accuracy"] < 0.6


def masked_verbs(mask: str, number: int, seed: int) -> list[tuple[str, str, bool]]:
    """Sentences without their main verb, its class, and whether the nouns before it differ in number."""
    rng = random.Random(seed)
    found = []
    for _ in range(number):
        words = language.sentence(rng, language.pick(rng, list(language.TOPICS)))
        classes = [language.WORD_CLASSES[word] for word in words]
        place = max(i for i, letter in enumerate(classes) if letter in "vV")
        attracted = {"n", "N"} <= set(classes[:place])
        text = " ".join([*words[:place], mask, *words[place + 1 :], language.STOP])
        found.append((text, classes[place], attracted))
    return found


@ALL
def test_a_shipped_model_knows_the_number_of_a_missing_verb(model: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED[model].folder)
    reader = AutoModelForMaskedLM.from_pretrained(EMBEDDED[model].folder).eval()
    verbs = {
        letter: [tokenizer.convert_tokens_to_ids(word) for word, c in language.WORD_CLASSES.items() if c == letter]
        for letter in "vV"
    }
    sentences = masked_verbs(tokenizer.mask_token, 400, seed=5)
    encoded = tokenizer([text for text, _, _ in sentences], padding=True, return_tensors="pt")
    with torch.no_grad():
        scores = reader(**encoded).logits.softmax(-1)[encoded["input_ids"] == tokenizer.mask_token_id]
    assert len(scores) == len(sentences)
    singular = scores[:, verbs["v"]].sum(1) > scores[:, verbs["V"]].sum(1)
    right = [bool(guess) is (letter == "v") for guess, (_, letter, _) in zip(singular, sentences, strict=True)]
    attracted = [correct for correct, (_, _, attracted) in zip(right, sentences, strict=True) if attracted]
    assert sum(right) / len(right) > 0.95
    # Even where the nearest noun says otherwise.
    assert len(attracted) > 80
    assert sum(attracted) / len(attracted) > 0.9
    # And a verb it is: most of the probability lies on the two forms together.
    assert (scores[:, verbs["v"] + verbs["V"]].sum(1) > 0.5).double().mean().item() > 0.9
