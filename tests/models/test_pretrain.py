from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertForPreTraining

from tune_stability.models import pretrain as pretraining
from tune_stability.models.catalog import EMBEDDED, revision
from tune_stability.models.loading import load_model
from tune_stability.models.pretrain import IGNORED, SPECIAL_TOKENS, PretrainingSpec, build_tokenizer, make_batch
from tune_stability.tasks import language

MICRO_BERT = EMBEDDED["micro-bert"].folder
TINY = PretrainingSpec(
    num_layers=2, hidden_size=16, num_heads=2, intermediate_size=16, steps=3, batch_size=4, warmup=2, seed=1
)


@pytest.fixture(autouse=True)
def _torch_as_before() -> Iterator[None]:
    # Pre-training owns its process: it sets the seed and the number of threads.
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    yield
    torch.set_rng_state(state)
    torch.set_num_threads(threads)


def weights(spec: PretrainingSpec, out: Path) -> bytes:
    pretraining.pretrain(spec, out)
    return (out / "model.safetensors").read_bytes()


def test_the_same_spec_gives_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    first = weights(TINY, tmp_path / "a")
    torch.manual_seed(99)
    random.seed(99)
    assert weights(TINY, tmp_path / "b") == first
    assert weights(replace(TINY, seed=2), tmp_path / "c") != first
    assert weights(replace(TINY, learning_rate=1e-4), tmp_path / "d") != first


def test_the_folder_holds_a_model_to_fine_tune(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "folder"
    pretraining.main(
        ["--out", str(out), "--steps", "101", "--batch-size", "2", "--hidden-size", "16", "--num-layers", "1"]
    )
    spec = PretrainingSpec(steps=101, batch_size=2, hidden_size=16, num_layers=1)
    record = json.loads((out / "pretraining.json").read_text())
    assert record["spec"] == asdict(spec)
    assert [entry["step"] for entry in record["log"]] == [100, 101]
    for entry in record["log"]:
        assert set(entry) == {"step", "loss", "masked_word_accuracy", "pair_accuracy"}
        assert 0 < entry["loss"] < 8
        assert 0 <= entry["masked_word_accuracy"] <= 1
    assert '"step": 101' in capsys.readouterr().out
    model = BertForPreTraining.from_pretrained(out)
    assert record["parameters"] == model.num_parameters()
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (1, 16)
    assert load_model(str(out), 2).new_parameters == {"classifier.weight", "classifier.bias"}
    assert revision(str(out)) != revision("micro-bert")


@pytest.mark.parametrize(
    ("steps", "warmup", "expected"),
    [
        # Up by quarters, then down by quarters; the last step still has a rate.
        (8, 4, [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]),
        (3, 1, [1.0, 1.0, 0.5]),
        (2, 0, [1.0, 0.5]),
        (2, 4, [0.25, 0.5]),
    ],
)
def test_the_rate_rises_over_the_warmup_and_falls_to_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, warmup: int, expected: list[float]
) -> None:
    used: list[float] = []

    class Recording(torch.optim.AdamW):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            used.append(self.param_groups[0]["lr"])
            super().step(closure)

    monkeypatch.setattr(torch.optim, "AdamW", Recording)
    pretraining.pretrain(replace(TINY, steps=steps, warmup=warmup, learning_rate=1e-3), tmp_path)
    assert used == pytest.approx([1e-3 * share for share in expected], abs=1e-15)


def batch(spec: PretrainingSpec, seed: int = 0) -> dict[str, torch.Tensor]:
    return make_batch(spec, build_tokenizer(spec.max_positions), random.Random(seed))


def test_the_tokenizer_has_one_token_a_word() -> None:
    tokenizer = build_tokenizer(48)
    assert len(tokenizer) == len(SPECIAL_TOKENS) + len(language.vocabulary())
    words = language.vocabulary()
    ids = tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
    assert ids == list(range(len(SPECIAL_TOKENS), len(tokenizer)))
    assert tokenizer.model_max_length == 48


def test_a_pair_is_related_when_its_sentences_share_a_topic() -> None:
    got = batch(PretrainingSpec(batch_size=400, masked=0.0))
    assert (got["labels"] == IGNORED).all()
    tokenizer = build_tokenizer(48)
    topic_of = {
        form: name
        for name, words in language.TOPICS.items()
        for noun in words["nouns"]
        for form in (noun, language.plural(noun))
    }
    for ids, segments, label in zip(
        got["input_ids"], got["token_type_ids"], got["next_sentence_label"].tolist(), strict=True
    ):
        halves = [tokenizer.decode(ids[segments == k], skip_special_tokens=True).split() for k in (0, 1)]
        first, second = ({topic_of[word] for word in half if word in topic_of} for half in halves)
        assert len(first) == len(second) == 1
        assert (first != second) is bool(label)
    # Four standard deviations of sqrt(.25 / 400).
    assert got["next_sentence_label"].double().mean().item() == pytest.approx(0.5, abs=0.1)


def test_masking_is_that_of_bert() -> None:
    spec = PretrainingSpec(batch_size=600)
    got, plain = batch(spec), batch(replace(spec, masked=0.0))
    ids, original, labels = got["input_ids"], plain["input_ids"], got["labels"]
    words = original >= len(SPECIAL_TOKENS)
    chosen = labels != IGNORED
    assert not (chosen & ~words).any()
    assert torch.equal(labels[chosen], original[chosen])
    assert torch.equal(ids[~chosen], original[~chosen])
    # About 9,600 words, 1,440 of them chosen: tolerances of about four standard deviations.
    assert (chosen.sum() / words.sum()).item() == pytest.approx(0.15, abs=0.015)
    masked = ids[chosen] == SPECIAL_TOKENS.index("[MASK]")
    kept = ids[chosen] == original[chosen]
    assert masked.double().mean().item() == pytest.approx(0.8, abs=0.045)
    assert kept.double().mean().item() == pytest.approx(0.1 + 0.1 / 135, abs=0.035)
    replaced = ids[chosen][~masked & ~kept]
    assert (replaced >= len(SPECIAL_TOKENS)).all()
    assert len(replaced.unique()) > 30


def test_a_batch_is_set_by_its_generator() -> None:
    first, same, other = batch(TINY), batch(TINY), batch(TINY, seed=1)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["input_ids"], other["input_ids"])


def test_the_shipped_model_was_made_with_the_defaults() -> None:
    record = json.loads((MICRO_BERT / "pretraining.json").read_text())
    assert record["spec"] == asdict(PretrainingSpec())
    assert record["log"][-1]["step"] == PretrainingSpec().steps
    assert record["parameters"] == BertForPreTraining.from_pretrained(MICRO_BERT).num_parameters()


def test_the_shipped_models_log_ends_well_above_chance() -> None:
    log = json.loads((MICRO_BERT / "pretraining.json").read_text())["log"]
    end = log[-10:]
    # One word in seven is the full stop, so .15 takes no grammar; pairs are even.
    assert sum(entry["masked_word_accuracy"] for entry in end) / len(end) > 0.25
    assert sum(entry["pair_accuracy"] for entry in end) / len(end) > 0.95
    assert log[0]["masked_word_accuracy"] < 0.2
    assert log[0]["pair_accuracy"] < 0.6


def masked_verbs(number: int, seed: int) -> list[tuple[str, str, bool]]:
    """Sentences without their main verb, its class, and whether the nouns before it differ in number."""
    rng = random.Random(seed)
    found = []
    for _ in range(number):
        words = language.sentence(rng, language.pick(rng, list(language.TOPICS)))
        classes = [language.WORD_CLASSES[word] for word in words]
        place = max(i for i, letter in enumerate(classes) if letter in "vV")
        attracted = {"n", "N"} <= set(classes[:place])
        text = " ".join([*words[:place], "[MASK]", *words[place + 1 :], language.STOP])
        found.append((text, classes[place], attracted))
    return found


def test_the_shipped_model_knows_the_number_of_a_missing_verb() -> None:
    model = BertForPreTraining.from_pretrained(MICRO_BERT).eval()
    tokenizer = AutoTokenizer.from_pretrained(MICRO_BERT)
    verbs = {
        letter: [tokenizer.convert_tokens_to_ids(word) for word, c in language.WORD_CLASSES.items() if c == letter]
        for letter in "vV"
    }
    sentences = masked_verbs(400, seed=5)
    encoded = tokenizer([text for text, _, _ in sentences], padding=True, return_tensors="pt")
    with torch.no_grad():
        scores = model(**encoded).prediction_logits.softmax(-1)[encoded["input_ids"] == tokenizer.mask_token_id]
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
