from __future__ import annotations

from collections.abc import Callable

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tune_stability.models.catalog import EMBEDDED
from tune_stability.models.pretraining.architectures import ARCHITECTURES
from tune_stability.models.pretraining.tokenizers import (
    NUM_SPECIAL,
    albert_tokenizer,
    bert_tokenizer,
    roberta_tokenizer,
)
from tune_stability.tasks import language

Make = Callable[[int], PreTrainedTokenizerBase]
ALL = pytest.mark.parametrize("make", [bert_tokenizer, roberta_tokenizer, albert_tokenizer])


@ALL
def test_there_is_one_token_a_word(make: Make) -> None:
    tokenizer = make(48)
    words = language.vocabulary()
    assert NUM_SPECIAL == 5
    assert len(tokenizer) == 5 + len(words) == 140
    assert tokenizer(" ".join(words), add_special_tokens=False)["input_ids"] == list(range(5, 140))
    assert sorted(set(tokenizer.all_special_ids)) == [0, 1, 2, 3, 4]
    assert tokenizer.model_max_length == 48
    assert tokenizer("The dog.")["input_ids"] == tokenizer("the dog .")["input_ids"]
    assert tokenizer("the unicorn")["input_ids"][2] == tokenizer.unk_token_id


@pytest.mark.parametrize(
    ("make", "one", "two", "segments"),
    [
        (bert_tokenizer, "[CLS] dog [SEP]", "[CLS] dog [SEP] a cat [SEP]", [0, 0, 0, 1, 1, 1]),
        (roberta_tokenizer, "<s> dog </s>", "<s> dog </s> </s> a cat </s>", None),
        (albert_tokenizer, "[CLS] dog [SEP]", "[CLS] dog [SEP] a cat [SEP]", [0, 0, 0, 1, 1, 1]),
    ],
)
def test_texts_stand_between_the_tokens_of_the_family(
    make: Make, one: str, two: str, segments: list[int] | None
) -> None:
    tokenizer = make(48)
    assert tokenizer.convert_ids_to_tokens(tokenizer("dog")["input_ids"]) == one.split()
    pair = tokenizer("dog", "a cat")
    assert tokenizer.convert_ids_to_tokens(pair["input_ids"]) == two.split()
    assert pair.get("token_type_ids") == segments
    padded = tokenizer(["dog", "the dog"], padding=True)
    assert padded["attention_mask"] == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert padded["input_ids"][0][-1] == tokenizer.pad_token_id
    assert tokenizer.convert_ids_to_tokens(tokenizer("dog " + tokenizer.mask_token)["input_ids"])[2] == (
        tokenizer.mask_token
    )


@pytest.mark.parametrize("model", EMBEDDED)
def test_the_shipped_tokenizer_is_the_one_of_pre_training(model: str) -> None:
    shipped = AutoTokenizer.from_pretrained(EMBEDDED[model].folder)
    made = ARCHITECTURES[model].tokenizer(48)
    texts = (["the dog sniffs this cat .", "no unicorn"], ["a fox [MASK] <mask> .", "."])
    assert dict(shipped(*texts, padding=True)) == dict(made(*texts, padding=True))
    assert shipped.special_tokens_map == made.special_tokens_map
    assert shipped.model_max_length == made.model_max_length
