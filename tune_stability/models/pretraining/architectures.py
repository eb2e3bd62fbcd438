"""The embedded models by name: what each is made of, and what it learns from."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from transformers import (
    AlbertConfig,
    AlbertForPreTraining,
    BertConfig,
    BertForPreTraining,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaForMaskedLM,
)

from tune_stability.models.pretraining.spec import PretrainingSpec
from tune_stability.models.pretraining.texts import Example, ordered_pair, related_pair, running_text
from tune_stability.models.pretraining.tokenizers import albert_tokenizer, bert_tokenizer, roberta_tokenizer

ROBERTA_PADDING = 1
ALBERT_EMBEDDING_SIZE = 32


@dataclass(frozen=True)
class Architecture:
    """A family's model, tokenizer and text.

    `pair_label` names the argument of its forward pass for the labels of pairs, `word_logits` and `pair_logits` its
    outputs; a family without a pair objective has neither label nor logits of pairs.
    """

    spec: PretrainingSpec
    build: Callable[[PretrainingSpec, int], PreTrainedModel]
    tokenizer: Callable[[int], PreTrainedTokenizerBase]
    draw: Callable[[random.Random], Example]
    word_logits: str
    pair_label: str | None = None
    pair_logits: str | None = None


def _bert(spec: PretrainingSpec, vocab_size: int) -> PreTrainedModel:
    return BertForPreTraining(
        BertConfig(vocab_size=vocab_size, max_position_embeddings=spec.max_positions, **_sizes(spec))
    )


def _roberta(spec: PretrainingSpec, vocab_size: int) -> PreTrainedModel:
    # Positions count from the one after padding's (Liu et al. 2019, as released), the epsilon is RoBERTa's own.
    config = RobertaConfig(
        vocab_size=vocab_size,
        max_position_embeddings=spec.max_positions + ROBERTA_PADDING + 1,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        bos_token_id=0,
        pad_token_id=ROBERTA_PADDING,
        eos_token_id=2,
        **_sizes(spec),
    )
    return RobertaForMaskedLM(config)


def _albert(spec: PretrainingSpec, vocab_size: int) -> PreTrainedModel:
    # Lan et al. 2020: all layers share one set of weights, and embeddings are narrower than the layers.
    config = AlbertConfig(
        vocab_size=vocab_size,
        embedding_size=ALBERT_EMBEDDING_SIZE,
        max_position_embeddings=spec.max_positions,
        num_hidden_groups=1,
        inner_group_num=1,
        bos_token_id=2,
        eos_token_id=3,
        **_sizes(spec),
    )
    return AlbertForPreTraining(config)


def _sizes(spec: PretrainingSpec) -> dict[str, Any]:
    return {
        "hidden_size": spec.hidden_size,
        "num_hidden_layers": spec.num_layers,
        "num_attention_heads": spec.num_heads,
        "intermediate_size": spec.intermediate_size,
        "hidden_dropout_prob": spec.dropout,
        "attention_probs_dropout_prob": spec.dropout,
    }


ARCHITECTURES = {
    "micro-bert": Architecture(
        PretrainingSpec(),
        _bert,
        bert_tokenizer,
        related_pair,
        "prediction_logits",
        "next_sentence_label",
        "seq_relationship_logits",
    ),
    "micro-roberta": Architecture(PretrainingSpec(), _roberta, roberta_tokenizer, running_text, "logits"),
    # The second version of ALBERT, which the paper fine-tuned, was pre-trained without dropout.
    "micro-albert": Architecture(
        PretrainingSpec(dropout=0.0),
        _albert,
        albert_tokenizer,
        ordered_pair,
        "prediction_logits",
        "sentence_order_label",
        "sop_logits",
    ),
}
