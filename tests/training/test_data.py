from __future__ import annotations

import itertools
import math

import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value

from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.models.loading import load_model
from tune_stability.models.pretraining.tokenizers import bert_tokenizer
from tune_stability.tasks.grammar import load_grammar
from tune_stability.tasks.task import Task
from tune_stability.training import data
from tune_stability.training.data import (
    EVALUATION_BATCH_SIZE,
    EncodedSplit,
    check_texts_fit,
    drawn_rows,
    encode,
    training_batches,
)

# Words with the two special tokens: 6, 4, 9 and 3.
TEXTS = ["the dog watches .", "dog .", "the dog which watches a cat .", "."]
LENGTHS = [6, 4, 9, 3]
LABELS = [1, 0, 1, 0]


def split(labels: list[int], **columns: list[str]) -> Dataset:
    features = Features({**{name: Value("string") for name in columns}, "label": ClassLabel(num_classes=2)})
    return Dataset.from_dict({**columns, "label": labels}, features=features)


def task(texts: list[str] = TEXTS, labels: list[int] = LABELS) -> Task:
    return Task("t", "accuracy", ("text",), split(labels, text=texts), split(labels[:1], text=texts[:1]))


def encoded(h: Hyperparameters | None = None, texts: list[str] = TEXTS, labels: list[int] = LABELS) -> EncodedSplit:
    return encode(task(texts, labels), "train", bert_tokenizer(48), h or Hyperparameters())


def test_a_split_is_encoded_by_hand() -> None:
    got = encoded()
    assert got.lengths.tolist() == LENGTHS
    assert got.labels.tolist() == LABELS
    assert got.labels.dtype == torch.int64
    assert set(got.inputs) == {"input_ids", "token_type_ids", "attention_mask"}
    assert all(tensor.shape == (4, 9) for tensor in got.inputs.values())
    vocabulary = bert_tokenizer(48).get_vocab()
    wanted = ["[CLS]", "dog", ".", "[SEP]", *["[PAD]"] * 5]
    assert got.inputs["input_ids"][1].tolist() == [vocabulary[token] for token in wanted]
    assert got.inputs["attention_mask"][1].tolist() == [1] * 4 + [0] * 5


def test_the_validation_split_is_encoded_by_its_name() -> None:
    got = encode(task(), "validation", bert_tokenizer(48), Hyperparameters())
    assert (got.lengths.tolist(), got.labels.tolist()) == ([6], [1])


@pytest.mark.parametrize(
    ("index", "longest"), [([0], 6), ([1, 3], 4), ([3], 3), ([3, 1, 0], 6), ([0, 1, 2, 3], 9), ([3, 3], 3)]
)
def test_a_batch_is_padded_to_its_longest_and_keeps_its_order(index: list[int], longest: int) -> None:
    got = encoded()
    inputs, labels = got.batch(torch.tensor(index))
    assert labels.tolist() == [LABELS[i] for i in index]
    for name, tensor in inputs.items():
        assert tensor.shape == (len(index), longest)
        for row, i in zip(tensor, index, strict=True):
            assert torch.equal(row, got.inputs[name][i, :longest])
    assert inputs["attention_mask"].sum(1).tolist() == [LENGTHS[i] for i in index]


@pytest.mark.parametrize(
    ("max_seq_length", "lengths"),
    [(128, [6, 4, 9, 3]), (9, [6, 4, 9, 3]), (8, [6, 4, 8, 3]), (5, [5, 4, 5, 3]), (3, [3, 3, 3, 3])],
)
def test_texts_are_truncated_and_keep_their_last_special_token(max_seq_length: int, lengths: list[int]) -> None:
    got = encoded(Hyperparameters(max_seq_length=max_seq_length))
    assert got.lengths.tolist() == lengths
    separator = bert_tokenizer(48).sep_token_id
    assert [row[n - 1].item() for row, n in zip(got.inputs["input_ids"], lengths, strict=True)] == [separator] * 4


def encoded_within(limit: int, max_seq_length: int, words: list[int]) -> EncodedSplit:
    """Texts of so many words, two tokens longer, for a model that takes `limit` tokens."""
    texts = ["the " * n for n in words]
    h = Hyperparameters(max_seq_length=max_seq_length)
    return encode(task(texts, [0] * len(texts)), "train", bert_tokenizer(512), h, limit)


@pytest.mark.parametrize(
    ("limit", "max_seq_length", "words", "lengths"),
    [
        # What is cut was meant to be cut.
        (48, 48, [100, 1], [48, 3]),
        (48, 47, [100, 1], [47, 3]),
        (512, 128, [300, 1], [128, 3]),
        # Nothing is cut, though the model takes less than it might be given: the last of these just fits.
        (48, 128, [10, 1], [12, 3]),
        (48, 49, [46, 1], [48, 3]),
        # A tokenizer that was told no limit.
        (10**30, 128, [200, 1], [128, 3]),
    ],
)
def test_texts_that_are_longer_than_max_seq_length_are_cut(
    limit: int, max_seq_length: int, words: list[int], lengths: list[int]
) -> None:
    assert encoded_within(limit, max_seq_length, words).lengths.tolist() == lengths


@pytest.mark.parametrize(("max_seq_length", "words"), [(49, [1, 47]), (128, [1, 47, 100]), (128, [46, 100])])
def test_a_text_that_only_the_model_would_cut_is_refused(max_seq_length: int, words: list[int]) -> None:
    longest = max(words) + 2
    with pytest.raises(UserError) as caught:
        encoded_within(48, max_seq_length, words)
    assert str(caught.value) == (
        f"the model takes 48 tokens, max_seq_length is {max_seq_length} and the longest text has {longest}; "
        "cut the texts with --set max_seq_length=48, or take another model."
    )


def test_without_a_limit_the_tokenizers_own_holds() -> None:
    with pytest.raises(UserError, match=r"^the model takes 48 tokens, max_seq_length is 128 and .* has 102; "):
        encoded(Hyperparameters(max_seq_length=128), ["the " * 100, "."], [0, 1])


def test_pairs_are_measured_together() -> None:
    pairs = split([1], first=["the " * 30], second=["the " * 30])
    both = Task("t", "accuracy", ("first", "second"), pairs, pairs)
    with pytest.raises(UserError, match=r"^the model takes 48 tokens, max_seq_length is 128 and .* has 63; "):
        encode(both, "train", bert_tokenizer(48), Hyperparameters(), 48)


@pytest.mark.parametrize("long", ["train", "validation"])
def test_both_splits_are_checked_and_only_where_they_may_be_cut(long: str, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = {name: split([0], text=["the " * (60 if name == long else 5)]) for name in ("train", "validation")}
    cut = Task("t", "accuracy", ("text",), **splits)
    with pytest.raises(UserError, match=r"^the model takes 48 tokens"):
        check_texts_fit(cut, bert_tokenizer(48), Hyperparameters(), 48)
    check_texts_fit(cut, bert_tokenizer(48), Hyperparameters(max_seq_length=48), 48)
    # A large task is not read for nothing.
    monkeypatch.setattr(data, "encode", None)
    check_texts_fit(cut, bert_tokenizer(128), Hyperparameters(max_seq_length=128), 128)


def test_segment_ids_are_switched() -> None:
    with_segments, without = encoded(), encoded(Hyperparameters(token_type_ids=False))
    assert set(without.inputs) == {"input_ids", "attention_mask"}
    assert torch.equal(without.inputs["input_ids"], with_segments.inputs["input_ids"])
    assert set(without.batch(torch.tensor([0]))[0]) == {"input_ids", "attention_mask"}


def test_two_columns_make_two_segments() -> None:
    pairs = split([1], first=["the dog watches ."], second=["dog ."])
    got = encode(
        Task("t", "accuracy", ("first", "second"), pairs, pairs), "train", bert_tokenizer(48), Hyperparameters()
    )
    assert got.lengths.tolist() == [9]
    assert got.inputs["token_type_ids"].tolist() == [[0] * 6 + [1] * 3]
    # The longer of the two gives way first.
    short = encode(
        Task("t", "accuracy", ("first", "second"), pairs, pairs),
        "train",
        bert_tokenizer(48),
        Hyperparameters(max_seq_length=7),
    )
    assert short.inputs["token_type_ids"].tolist() == [[0] * 4 + [1] * 3]


def test_padding_does_not_change_what_the_model_says() -> None:
    model = load_model("micro-bert", 2).model.eval()
    got = encoded()
    with torch.no_grad():
        together = model(**got.batch(torch.arange(4))[0]).logits
        alone = torch.cat([model(**got.batch(torch.tensor([i]))[0]).logits for i in range(4)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [1, 125, 126, 300])
def test_evaluation_batches_hold_each_example_once_and_like_lengths_together(n: int) -> None:
    small = encode(load_grammar(n, 2), "train", bert_tokenizer(48), Hyperparameters())
    batches = list(small.evaluation_batches())
    assert sorted(torch.cat(batches).tolist()) == list(range(n))
    assert [len(index) for index in batches[:-1]] == [EVALUATION_BATCH_SIZE] * (len(batches) - 1)
    lengths = small.lengths[torch.cat(batches)]
    assert (lengths.diff() >= 0).all()
    assert [index.tolist() for index in small.evaluation_batches()] == [index.tolist() for index in batches]


def flat(batches: list[tuple[int, list[int]]], epoch: int) -> list[int]:
    return list(itertools.chain.from_iterable(index for number, index in batches if number == epoch))


def order(n: int, batch_size: int, num_epochs: int, seed: int = 0) -> list[tuple[int, list[int]]]:
    generator = torch.Generator().manual_seed(seed)
    steps = math.ceil(n / batch_size)
    batches = training_batches(torch.zeros(n), batch_size, False, generator)
    return [(step // steps + 1, next(batches).tolist()) for step in range(steps * num_epochs)]


def test_grouped_batches_hold_every_example_once_and_like_lengths_together() -> None:
    lengths = torch.randint(5, 120, (1000,), generator=torch.Generator().manual_seed(1))
    spread = {}
    for grouped in (False, True):
        batches = training_batches(lengths, 16, grouped, torch.Generator().manual_seed(0))
        for _ in range(2):
            epoch = [next(batches) for _ in range(63)]
            assert sorted(torch.cat(epoch).tolist()) == list(range(1000))
        spread[grouped] = sum(float(lengths[index].max()) for index in epoch) / 63
        # Long and short batches follow each other in no order.
        means = torch.stack([lengths[index].float().mean() for index in epoch])
        assert abs(float(torch.corrcoef(torch.stack([means, torch.arange(63.0)]))[0, 1])) < 0.4
    assert spread[True] < 0.65 * spread[False]


def sampled(size: int, seed: int) -> EncodedSplit:
    return encoded(Hyperparameters(train_size=size, train_seed=seed))


def test_a_sample_is_drawn_once_for_all_and_without_replacement() -> None:
    by_length = dict(zip(LENGTHS, LABELS, strict=True))
    for seed in range(5):
        drawn = sampled(3, seed)
        lengths = drawn.lengths.tolist()
        assert len(set(lengths)) == 3
        assert drawn.labels.tolist() == [by_length[length] for length in lengths]
        assert drawn.inputs["input_ids"].shape == (3, max(lengths))
        assert torch.equal(sampled(3, seed).inputs["input_ids"], drawn.inputs["input_ids"])
    assert len({tuple(sampled(3, seed).lengths.tolist()) for seed in range(20)}) > 1
    assert sampled(0, 5).lengths.tolist() == LENGTHS
    # The drawing of stored trials: theirs is the order of this permutation.
    assert sampled(4, 0).lengths.tolist() == [LENGTHS[row] for row in (0, 1, 3, 2)]
    with pytest.raises(UserError, match=r"^train_size is 5, the training set has 4 examples; ask for less\.$"):
        sampled(5, 0)


def test_a_sample_of_one_class_is_refused() -> None:
    # Of labels 1, 0, 1, 0 the first two drawn with seed 0 are rows 0 and 1.
    assert sampled(2, 0).labels.tolist() == [1, 0]
    with pytest.raises(UserError, match=r"^the 1 training examples drawn with train_seed 0 have one class only, two "):
        sampled(1, 0)


def test_the_validation_set_is_whole_whatever_is_drawn() -> None:
    everything = Task("t", "accuracy", ("text",), split(LABELS, text=TEXTS), split(LABELS, text=TEXTS))
    got = encode(everything, "validation", bert_tokenizer(48), Hyperparameters(train_size=2))
    assert got.lengths.tolist() == LENGTHS


def test_what_is_not_drawn_may_be_too_long() -> None:
    rows = drawn_rows(4, 2, 0)
    texts = [TEXTS[row] if row in rows else "the " * 60 for row in range(4)]
    assert max(encoded(Hyperparameters(train_size=2), texts).lengths) < 10
    with pytest.raises(UserError, match=r"^the model takes 48 tokens"):
        encoded(Hyperparameters(), texts)


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [(8, 4, [4, 4]), (10, 4, [4, 4, 2]), (3, 16, [3]), (5, 1, [1] * 5), (4, 4, [4]), (1, 1, [1])],
)
def test_every_example_is_seen_once_an_epoch(n: int, batch_size: int, sizes: list[int]) -> None:
    got = order(n, batch_size, 3)
    assert [epoch for epoch, _ in got] == [epoch for epoch in (1, 2, 3) for _ in sizes]
    for epoch in (1, 2, 3):
        batches = [index for number, index in got if number == epoch]
        assert [len(index) for index in batches] == sizes
        assert sorted(flat(got, epoch)) == list(range(n))


def test_the_order_is_set_by_the_generator_and_new_in_each_epoch() -> None:
    assert order(50, 8, 2, seed=3) == order(50, 8, 2, seed=3)
    assert order(50, 8, 2, seed=3) != order(50, 8, 2, seed=4)
    epochs = [flat(order(50, 8, 2), epoch) for epoch in (1, 2)]
    assert epochs[0] != epochs[1]
    assert epochs[0] != list(range(50))
    # The batch size cuts the same order into other pieces, and a longer run begins as a shorter one.
    assert flat(order(50, 8, 1), 1) == flat(order(50, 50, 1), 1)
    assert order(50, 8, 3)[:14] == order(50, 8, 2)
