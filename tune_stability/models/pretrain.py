"""Make an embedded model: `python -m tune_stability.models.pretrain --model micro-bert --out FOLDER`.

`micro-bert`, `micro-roberta` and `micro-albert` are BERT (Devlin et al. 2019), RoBERTa (Liu et al. 2019) and ALBERT
(Lan et al. 2020) made small, each pre-trained in its own way on text of `tune_stability.tasks.language`.

The same arguments on the same kind of machine with the same libraries give the same weights.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from tune_stability.models.pretraining.architectures import ARCHITECTURES, Architecture
from tune_stability.models.pretraining.batches import IGNORED, make_batch
from tune_stability.models.pretraining.spec import PretrainingSpec, warmup_then_decay


def main(argv: list[str] | None = None) -> None:
    """Parse the command line, pre-train, save."""
    parser = argparse.ArgumentParser(description="Pre-train an embedded model on generated text.")
    parser.add_argument("--model", choices=ARCHITECTURES, default="micro-bert")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, tokenizer and log")
    for name, value in asdict(PretrainingSpec()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), help="by default the model's own")
    arguments = vars(parser.parse_args(argv))
    model, out = arguments.pop("model"), arguments.pop("out")
    given = {name: value for name, value in arguments.items() if value is not None}
    pretrain(model, replace(ARCHITECTURES[model].spec, **given), out)


def pretrain(name: str, spec: PretrainingSpec, out: Path) -> None:
    """Pre-train from scratch and save `model.safetensors`, config, tokenizer and `pretraining.json` to `out`."""
    torch.set_num_threads(1)
    torch.manual_seed(spec.seed)
    rng = random.Random(spec.seed)
    out.mkdir(parents=True, exist_ok=True)
    architecture = ARCHITECTURES[name]
    tokenizer = architecture.tokenizer(spec.max_positions)
    model = architecture.build(spec, len(tokenizer))
    log = _train(model, spec, architecture, lambda: make_batch(architecture, spec, tokenizer, rng))
    model.eval()
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    record = {"spec": asdict(spec), "parameters": model.num_parameters(), "log": log}
    (out / "pretraining.json").write_text(json.dumps(record, indent=1) + "\n")


def _train(
    model: Any, spec: PretrainingSpec, architecture: Architecture, next_batch: Callable[[], dict[str, torch.Tensor]]
) -> list[dict[str, float]]:
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=spec.learning_rate, weight_decay=spec.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_then_decay(step, spec))
    log: list[dict[str, float]] = []
    started = time.perf_counter()
    for step in range(1, spec.steps + 1):
        batch = next_batch()
        output = model(**batch)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0 or step == spec.steps:
            log.append({"step": step, "loss": round(output.loss.item(), 4), **_accuracies(output, batch, architecture)})
            print(json.dumps(log[-1]), f"{time.perf_counter() - started:.0f} s", flush=True)
    return log


def _accuracies(output: Any, batch: dict[str, torch.Tensor], architecture: Architecture) -> dict[str, float]:
    chosen = batch["labels"] != IGNORED
    words = output[architecture.word_logits].argmax(-1) == batch["labels"]
    found = {"masked_word_accuracy": round(words[chosen].float().mean().item(), 4)}
    if architecture.pair_label:
        pairs = output[architecture.pair_logits].argmax(-1) == batch[architecture.pair_label]
        found["pair_accuracy"] = round(pairs.float().mean().item(), 4)
    return found


if __name__ == "__main__":
    main()
