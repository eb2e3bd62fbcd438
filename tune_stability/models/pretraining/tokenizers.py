"""One token for every word of the language, with each family's special tokens and way to put two texts together."""

from __future__ import annotations

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from tune_stability.tasks import language

NUM_SPECIAL = 5
"""Special tokens come first, and every family has five: padding, unknown, start, separator, mask."""


def bert_tokenizer(max_positions: int) -> PreTrainedTokenizerBase:
    """`[CLS] A [SEP] B [SEP]` with segment ids."""
    return BertTokenizer(
        vocab=_vocabulary("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), model_max_length=max_positions
    )


def roberta_tokenizer(max_positions: int) -> PreTrainedTokenizerBase:
    """`<s> A </s> </s> B </s>` without segment ids."""
    return _word_level(
        _vocabulary("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        model_max_length=max_positions,
        model_input_names=["input_ids", "attention_mask"],
        **dict.fromkeys(("bos_token", "cls_token"), "<s>"),
        **dict.fromkeys(("eos_token", "sep_token"), "</s>"),
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


def albert_tokenizer(max_positions: int) -> PreTrainedTokenizerBase:
    """`[CLS] A [SEP] B [SEP]` with segment ids."""
    return _word_level(
        _vocabulary("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"),
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        model_max_length=max_positions,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **dict.fromkeys(("bos_token", "cls_token"), "[CLS]"),
        **dict.fromkeys(("eos_token", "sep_token"), "[SEP]"),
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="[MASK]",
    )


def _vocabulary(*special: str) -> dict[str, int]:
    return {token: index for index, token in enumerate([*special, *language.vocabulary()])}


def _word_level(vocabulary: dict[str, int], single: str, pair: str, **settings: object) -> PreTrainedTokenizerBase:
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=str(settings["unk_token"])))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    ends = [str(settings[name]) for name in ("cls_token", "sep_token")]
    tokenizer.post_processor = TemplateProcessing(
        single=single, pair=pair, special_tokens=[(token, vocabulary[token]) for token in ends]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **settings)
