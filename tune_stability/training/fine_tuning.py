"""The built-in trainable: fine-tune a transformer for classification once, and record what happened."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from tune_stability.data_source import DataSource
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.models.loading import PretrainedModel, draw_head, load_model
from tune_stability.tasks import load_task
from tune_stability.tasks.metrics import compute_metric
from tune_stability.tasks.task import class_shares, entropy
from tune_stability.training.data import EncodedSplit, encode, training_batches
from tune_stability.training.optimizer import PaperAdamW
from tune_stability.training.parameters import FlatParameters, GradientNorms
from tune_stability.training.schedule import evaluated_steps, learning_rate, recorded_steps
from tune_stability.trials import CurvePoint, GradientPoint, TrialConfig, TrialResult

HEAD_STD = 0.02
GRADIENT_START_STEPS = 3
DATA_HYPERPARAMETERS = ("max_seq_length", "token_type_ids", "train_size", "train_seed")


def run_trial(config: TrialConfig) -> TrialResult:
    """Fine-tune as Mosbach et al. (2020) did, with the configuration's hyperparameters.

    The seed alone sets the head's initial weights, the data order and dropout. On CPU the result is the same, bit
    for bit, whatever ran before in the process. A run whose loss stops being finite ends there and is a result.
    """
    started = time.perf_counter()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with _reproducible_arithmetic():
        return _Run(config, device).result(started)


@contextmanager
def _reproducible_arithmetic() -> Iterator[None]:
    # The number of threads changes the order of sums, and so the last bits.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # Denormal numbers, frequent where gradients vanish, slow a CPU tenfold.
    flushed = bool(torch.tensor([2e-38]).mul(0.1) == 0)
    torch.set_flush_denormal(True)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_flush_denormal(flushed)
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Prepared:
    """What all trials of one model, task and tokenization share."""

    pretrained: PretrainedModel
    train: EncodedSplit
    validation: EncodedSplit
    metric: str
    majority_score: float
    chance_loss: float
    num_labels: int


@lru_cache(maxsize=4)
def _prepare(
    model: str, revision: str, task_name: str, _fingerprint: str, data: DataSource, h: Hyperparameters
) -> _Prepared:
    task = load_task(task_name, data)
    pretrained = load_model(model, task.num_labels, revision or None)
    train = encode(task, "train", pretrained.tokenizer, h).sample(h.train_size, h.train_seed)
    return _Prepared(
        pretrained=pretrained,
        train=train,
        validation=encode(task, "validation", pretrained.tokenizer, h),
        metric=task.metric,
        majority_score=task.majority_score(),
        chance_loss=entropy(class_shares(train.labels.numpy(), task.num_labels)),
        num_labels=task.num_labels,
    )


@dataclass
class _Records:
    points: dict[int, CurvePoint] = field(default_factory=dict)
    gradients: list[GradientPoint] = field(default_factory=list)
    lower: list[tuple[int, float]] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    predicted_share: tuple[float, ...] = ()


class _Run:
    """One run: the pieces it is made of, and the loop."""

    def __init__(self, config: TrialConfig, device: torch.device) -> None:
        h = config.hyperparameters
        self.h, self.device = h, device
        self.prepared = _prepare(
            config.model,
            config.model_revision,
            config.task,
            config.task_fingerprint,
            config.data,
            Hyperparameters(**{name: getattr(h, name) for name in DATA_HYPERPARAMETERS}),
        )
        torch.manual_seed(config.seed)
        generator = torch.Generator().manual_seed(config.seed)
        model: nn.Module = copy.deepcopy(self.prepared.pretrained.model)
        self.model = model.to(device)
        draw_head(self.model, self.prepared.pretrained.new_parameters, HEAD_STD, generator)
        for module in self.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = h.dropout
        self.flat = FlatParameters(self.model)
        self.norms = GradientNorms(self.flat, self.prepared.pretrained.new_parameters)
        self.optimizer = PaperAdamW(self.flat, h)
        self.generator = generator
        self.num_examples = len(self.prepared.train.labels)
        self.steps_per_epoch = math.ceil(self.num_examples / h.batch_size)
        self.total_steps = h.max_steps or self.steps_per_epoch * h.num_epochs

    def result(self, started: float) -> TrialResult:
        records = _Records()
        losses = torch.full((self.total_steps,), math.nan, device=self.device)
        steps, diverged = self._train(losses, records)
        last_epoch = losses[max(0, steps - self.steps_per_epoch) : steps].tolist()
        finished = not diverged and math.isfinite(sum(last_epoch))
        score = records.scores[-1][1] if finished else math.nan
        usable = [item for item in records.scores if math.isfinite(item[1])]
        best_step, best_score = max(usable, key=lambda item: item[1], default=(0, math.nan))
        second_half = [norm for step, norm in records.lower if step >= self.total_steps // 2]
        return TrialResult(
            metric=self.prepared.metric,
            score=score,
            majority_score=self.prepared.majority_score,
            best_score=best_score,
            best_step=best_step,
            train_loss=statistics.fmean(last_epoch) if finished else math.nan,
            chance_loss=self.prepared.chance_loss,
            predicted_share=records.predicted_share if finished else (),
            gradient_start=_median([norm for _, norm in records.lower[:GRADIENT_START_STEPS]]),
            gradient_end=_median(second_half) if finished else math.nan,
            steps=steps,
            seconds=time.perf_counter() - started,
            device=torch.cuda.get_device_name() if self.device.type == "cuda" else "cpu",
            curve=tuple(records.points[step] for step in sorted(records.points)),
            gradients=tuple(records.gradients),
        )

    def _train(self, losses: torch.Tensor, records: _Records) -> tuple[int, bool]:
        """Run the steps, filling `losses` and `records`; how many there were, and whether the last diverged."""
        h = self.h
        recorded = set(recorded_steps(self.total_steps))
        evaluated = set(evaluated_steps(self.total_steps, self.steps_per_epoch))
        self.model.train()
        batches = training_batches(self.prepared.train.lengths, h.batch_size, h.group_by_length, self.generator)
        for step, index in zip(range(self.total_steps), batches, strict=False):
            inputs, labels = self._batch(self.prepared.train, index)
            loss = nn.functional.cross_entropy(self.model(**inputs).logits, labels)
            self.flat.zero_gradients()
            loss.backward()
            losses[step] = loss.detach()
            rate = learning_rate(step, self.total_steps, h.warmup_ratio, h.learning_rate)
            if step in recorded:
                norms = self.norms.measure().tolist()
                records.lower.append((step, self.norms.lower_layers(norms)))
                records.gradients += [GradientPoint(step, *pair) for pair in zip(self.norms.groups, norms, strict=True)]
                records.points[step] = CurvePoint(step, losses[step].item(), rate)
                if not (math.isfinite(records.points[step].loss) and math.isfinite(sum(norms))):
                    return step + 1, True
            if h.max_grad_norm > 0:
                self.flat.clip_gradients(h.max_grad_norm)
            self.optimizer.step(rate)
            if step in evaluated:
                score = self._evaluate(records)
                records.scores.append((step, score))
                records.points[step] = CurvePoint(step, losses[step].item(), rate, score)
        return self.total_steps, False

    @torch.no_grad()
    def _evaluate(self, records: _Records) -> float:
        """The score on the validation set, NaN if a logit is not finite."""
        split = self.prepared.validation
        predictions = torch.empty_like(split.labels)
        finite = True
        self.model.eval()
        for index in split.evaluation_batches():
            inputs, _ = self._batch(split, index)
            logits = self.model(**inputs).logits
            finite = finite and bool(torch.isfinite(logits).all())
            predictions[index] = logits.argmax(-1).cpu()
        self.model.train()
        records.predicted_share = tuple(class_shares(predictions.numpy(), self.prepared.num_labels).tolist())
        labels = np.asarray(split.labels)
        return compute_metric(self.prepared.metric, labels, predictions.numpy()) if finite else math.nan

    def _batch(self, split: EncodedSplit, index: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        inputs, labels = split.batch(index)
        return {name: tensor.to(self.device) for name, tensor in inputs.items()}, labels.to(self.device)


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else math.nan
