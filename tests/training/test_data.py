from __future__ import annotations

import itertools
import math

import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value

from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.models.loading import load_model
from tune_stability.models.pretrain import build_tokenizer
from tune_stability.tasks.grammar import load_grammar
from tune_stability.tasks.task import Task
from tune_stability.training.data import EVALUATION_BATCH_SIZE, EncodedSplit, encode, training_batches

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
    return encode(task(texts, labels), "train", build_tokenizer(48), h or Hyperparameters())


def test_a_split_is_encoded_by_hand() -> None:
    got = encoded()
    assert got.lengths.tolist() == LENGTHS
    assert got.labels.tolist() == LABELS
    assert got.labels.dtype == torch.int64
    assert set(got.inputs) == {"input_ids", "token_type_ids", "attention_mask"}
    assert all(tensor.shape == (4, 9) for tensor in got.inputs.values())
    vocabulary = build_tokenizer(48).get_vocab()
    wanted = ["[CLS]", "dog", ".", "[SEP]", *["[PAD]"] * 5]
    assert got.inputs["input_ids"][1].tolist() == [vocabulary[token] for token in wanted]
    assert got.inputs["attention_mask"][1].tolist() == [1] * 4 + [0] * 5


def test_the_validation_split_is_encoded_by_its_name() -> None:
    got = encode(task(), "validation", build_tokenizer(48), Hyperparameters())
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
    separator = build_tokenizer(48).sep_token_id
    assert [row[n - 1].item() for row, n in zip(got.inputs["input_ids"], lengths, strict=True)] == [separator] * 4


def test_no_text_is_longer_than_the_model_takes() -> None:
    got = encoded(Hyperparameters(max_seq_length=128), ["the " * 100, "."], [0, 1])
    assert got.lengths.tolist() == [48, 3]


def test_segment_ids_are_switched() -> None:
    with_segments, without = encoded(), encoded(Hyperparameters(token_type_ids=False))
    assert set(without.inputs) == {"input_ids", "attention_mask"}
    assert torch.equal(without.inputs["input_ids"], with_segments.inputs["input_ids"])
    assert set(without.batch(torch.tensor([0]))[0]) == {"input_ids", "attention_mask"}


def test_two_columns_make_two_segments() -> None:
    pairs = split([1], first=["the dog watches ."], second=["dog ."])
    got = encode(
        Task("t", "accuracy", ("first", "second"), pairs, pairs), "train", build_tokenizer(48), Hyperparameters()
    )
    assert got.lengths.tolist() == [9]
    assert got.inputs["token_type_ids"].tolist() == [[0] * 6 + [1] * 3]
    # The longer of the two gives way first.
    short = encode(
        Task("t", "accuracy", ("first", "second"), pairs, pairs),
        "train",
        build_tokenizer(48),
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
    small = encode(load_grammar(n, 2), "train", build_tokenizer(48), Hyperparameters())
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


def test_a_sample_is_drawn_once_for_all_and_without_replacement() -> None:
    whole = encoded()
    four = whole.sample(0, 0)
    assert four is whole
    drawn = whole.sample(3, 5)
    assert len(drawn.labels) == len(drawn.lengths) == 3
    rows = {tuple(row) for row in whole.inputs["input_ids"].tolist()}
    picked = [tuple(row) for row in drawn.inputs["input_ids"].tolist()]
    assert len(set(picked)) == 3
    assert set(picked) <= rows
    assert torch.equal(whole.sample(3, 5).inputs["input_ids"], drawn.inputs["input_ids"])
    assert len({tuple(whole.sample(3, seed).lengths.tolist()) for seed in range(20)}) > 1
    with pytest.raises(UserError, match=r"^train_size is 5, the training set has 4 examples; ask for less\.$"):
        whole.sample(5, 0)


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
