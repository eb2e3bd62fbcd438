"""Make the embedded model: `python -m tune_stability.models.pretrain --out FOLDER`.

`micro-bert` is BERT (Devlin et al. 2019) made deep and narrow, pre-trained as BERT was, by masked language
modelling and by a sentence-pair objective, on text of `tune_stability.tasks.language`. Pairs whose two sentences
share a topic are told from pairs that do not, so that the pooler is pre-trained too.

The same arguments on the same kind of machine with the same libraries give the same weights.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForPreTraining, BertTokenizer, PreTrainedTokenizerBase

from tune_stability.tasks import language

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
IGNORED = -100


@dataclass(frozen=True)
class PretrainingSpec:
    """What determines the weights. `warmup` is in steps, `masked` a probability per word."""

    num_layers: int = 4
    hidden_size: int = 64
    num_heads: int = 2
    intermediate_size: int = 128
    max_positions: int = 48
    steps: int = 6000
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup: int = 500
    weight_decay: float = 0.01
    dropout: float = 0.1
    masked: float = 0.15
    seed: int = 0


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, pre-train, save."""
    parser = argparse.ArgumentParser(description="Pre-train micro-bert on generated text.")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, tokenizer and log")
    defaults = PretrainingSpec()
    for name, value in asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    arguments = vars(parser.parse_args(argv))
    out = arguments.pop("out")
    pretrain(PretrainingSpec(**arguments), out)


def pretrain(spec: PretrainingSpec, out: Path) -> None:
    """Pre-train from scratch and save `model.safetensors`, config, tokenizer and `pretraining.json` to `out`."""
    torch.set_num_threads(1)
    torch.manual_seed(spec.seed)
    rng = random.Random(spec.seed)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = build_tokenizer(spec.max_positions)
    model = BertForPreTraining(_config(spec, len(tokenizer)))
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=spec.learning_rate, weight_decay=spec.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _warmup_then_decay(step, spec))
    log: list[dict[str, float]] = []
    started = time.perf_counter()
    for step in range(1, spec.steps + 1):
        batch = make_batch(spec, tokenizer, rng)
        output = model(**batch)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0 or step == spec.steps:
            log.append({"step": step, **_accuracies(output, batch)})
            print(json.dumps(log[-1]), f"{time.perf_counter() - started:.0f} s", flush=True)
    model.eval()
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    record = {"spec": asdict(spec), "parameters": model.num_parameters(), "log": log}
    (out / "pretraining.json").write_text(json.dumps(record, indent=1) + "\n")


def build_tokenizer(max_positions: int) -> PreTrainedTokenizerBase:
    """BERT's tokenizer with one token for every word of the language."""
    tokens = [*SPECIAL_TOKENS, *language.vocabulary()]
    return BertTokenizer(
        vocab={token: index for index, token in enumerate(tokens)},
        model_max_length=max_positions,
    )


def make_batch(
    spec: PretrainingSpec, tokenizer: PreTrainedTokenizerBase, rng: random.Random
) -> dict[str, torch.Tensor]:
    """One batch of masked sentence pairs, tensors of shape `(batch_size, length)` and labels `(batch_size,)`."""
    topics = list(language.TOPICS)
    first, second, unrelated = [], [], []
    for _ in range(spec.batch_size):
        topic = language.pick(rng, topics)
        is_unrelated = rng.random() < 0.5
        other = language.pick(rng, [t for t in topics if t != topic]) if is_unrelated else topic
        first.append(" ".join([*language.sentence(rng, topic), language.STOP]))
        second.append(" ".join([*language.sentence(rng, other), language.STOP]))
        unrelated.append(int(is_unrelated))
    batch = dict(tokenizer(first, second, padding=True, return_tensors="pt"))
    batch["input_ids"], batch["labels"] = _mask(spec, tokenizer, batch["input_ids"], rng)
    batch["next_sentence_label"] = torch.tensor(unrelated)
    return batch


def _mask(
    spec: PretrainingSpec, tokenizer: PreTrainedTokenizerBase, ids: torch.Tensor, rng: random.Random
) -> tuple[torch.Tensor, torch.Tensor]:
    # Devlin et al. 2019, appendix A.1: of the chosen words 80 % are masked, 10 % replaced, 10 % kept.
    generator = torch.Generator().manual_seed(int(rng.random() * 2**31))
    chance = torch.rand(ids.shape, generator=generator)
    replacement = torch.randint(len(SPECIAL_TOKENS), len(tokenizer), ids.shape, generator=generator)
    chosen = (torch.rand(ids.shape, generator=generator) < spec.masked) & (ids >= len(SPECIAL_TOKENS))
    labels = torch.where(chosen, ids, IGNORED)
    masked = torch.where(chosen & (chance < 0.8), tokenizer.mask_token_id, ids)
    return torch.where(chosen & (chance >= 0.9), replacement, masked), labels


def _warmup_then_decay(step: int, spec: PretrainingSpec) -> float:
    return min((step + 1) / max(1, spec.warmup), (spec.steps - step) / max(1, spec.steps - spec.warmup))


def _config(spec: PretrainingSpec, vocab_size: int) -> BertConfig:
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.num_layers,
        num_attention_heads=spec.num_heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.max_positions,
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.dropout,
    )


def _accuracies(output: Any, batch: dict[str, torch.Tensor]) -> dict[str, float]:
    chosen = batch["labels"] != IGNORED
    words = (output.prediction_logits.argmax(-1) == batch["labels"])[chosen].float().mean().item()
    pairs = (output.seq_relationship_logits.argmax(-1) == batch["next_sentence_label"]).float().mean().item()
    return {
        "loss": round(output.loss.item(), 4),
        "masked_word_accuracy": round(words, 4),
        "pair_accuracy": round(pairs, 4),
    }


if __name__ == "__main__":
    main()
