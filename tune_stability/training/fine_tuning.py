"""The built-in trainable: fine-tune a transformer for classification once, and record what happened."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn

from tune_stability.errors import UserError
from tune_stability.models.dropout import set_dropout
from tune_stability.models.loading import draw_head
from tune_stability.tasks.metrics import compute_metric
from tune_stability.tasks.task import class_shares
from tune_stability.training import sharing
from tune_stability.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tune_stability.training.data import training_batches
from tune_stability.training.layer_rates import rate_factors
from tune_stability.training.mixout import Mixout
from tune_stability.training.optimizer import PaperAdamW
from tune_stability.training.parameters import FlatParameters, GroupNorms
from tune_stability.training.prepared import prepare
from tune_stability.training.records import Records
from tune_stability.training.reinit import top_parameters
from tune_stability.training.schedule import evaluated_steps, learning_rate, recorded_steps
from tune_stability.trials import CurvePoint, GradientPoint, TrialConfig, TrialResult

HEAD_STD = 0.02


def run_trial(config: TrialConfig) -> TrialResult:
    """Fine-tune as Mosbach et al. (2020) did, with the configuration's hyperparameters.

    The trial's seeds alone set the head's initial weights, the data order and dropout. On CPU the result is the same,
    bit for bit, whatever ran before in the process, and whether or not the run went on from a checkpoint. A run whose
    loss stops being finite ends there and is a result. Raises `UserError` for a precision that the GPU has not.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if config.hyperparameters.precision == "bf16" and device == "cuda" and not torch.cuda.is_bf16_supported():
        raise UserError(f"{torch.cuda.get_device_name()} has no bf16 arithmetic; take --precision fp32.")
    with _reproducible_arithmetic():
        return _Run(config, device).result()


run_trial.sharing = sharing  # type: ignore[attr-defined]


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


class _Run:
    """One run: the pieces it is made of, and the loop."""

    def __init__(self, config: TrialConfig, device: str) -> None:
        self.started = time.perf_counter()
        self.config, self.h, self.device = config, config.hyperparameters, device
        self.device_name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
        self.prepared = prepare(config, device)
        generator = torch.Generator().manual_seed(_either(config.init_seed, config.seed))
        model: nn.Module = copy.deepcopy(self.prepared.pretrained.model)
        self.model = model.to(device)
        new = self.prepared.pretrained.new_parameters
        drawn_anew = top_parameters(self.prepared.pretrained.model, new, self.h.reinit_layers)
        draw_head(self.model, new, HEAD_STD, generator)
        draw_head(self.model, drawn_anew, HEAD_STD, generator)
        set_dropout(self.model, self.h.dropout)
        self.flat = FlatParameters(self.model)
        self.norms = GroupNorms(self.flat, new)
        self.mixout = Mixout(self.flat, new | drawn_anew, self.h.mixout)
        self.optimizer = PaperAdamW(self.flat, self.h, rate_factors(self.flat, new, self.h.layerwise_lr_decay))
        if config.data_seed is not None:
            generator = torch.Generator().manual_seed(config.data_seed)
        train, h = self.prepared.train, self.h
        self.batches = training_batches(train.lengths, h.batch_size, h.group_by_length, generator)
        self.steps_per_epoch = math.ceil(len(train.lengths) / h.batch_size)
        self.total_steps = h.max_steps or self.steps_per_epoch * h.num_epochs
        self.losses = torch.full((self.total_steps,), math.nan, device=device)
        self.records = Records()
        torch.manual_seed(_either(config.dropout_seed, config.seed))

    def result(self) -> TrialResult:
        steps, diverged = self._train()
        records = self.records
        last_epoch = self.losses[max(0, steps - self.steps_per_epoch) : steps].tolist()
        finished = not diverged and math.isfinite(sum(last_epoch))
        best_step, best_score = records.best()
        return TrialResult(
            metric=self.prepared.metric,
            score=records.scores[-1][1] if finished else math.nan,
            majority_score=self.prepared.majority_score,
            best_score=best_score,
            best_step=best_step,
            train_loss=statistics.fmean(last_epoch) if finished else math.nan,
            chance_loss=self.prepared.chance_loss,
            predicted_share=records.predicted_share if finished else (),
            gradient_start=records.gradient_start(),
            gradient_end=records.gradient_end(self.total_steps) if finished else math.nan,
            steps=steps,
            seconds=time.perf_counter() - self.started,
            device=self.device_name,
            curve=records.curve(),
            gradients=tuple(records.gradients),
        )

    def _train(self) -> tuple[int, bool]:
        """Run the steps, filling `losses` and `records`; how many there were, and whether the last diverged."""
        recorded = set(recorded_steps(self.total_steps))
        evaluated = set(evaluated_steps(self.total_steps, self.steps_per_epoch))
        self.model.train()
        h = self.h
        for step in range(self._resume(), self.total_steps):
            self.losses[step] = self._forward_and_backward(next(self.batches))
            rate = learning_rate(step, self.total_steps, h.warmup_ratio, h.learning_rate, h.lr_scheduler_type)
            if step in recorded:
                if not self._recorded_update(step, rate):
                    return step + 1, True
            else:
                self._update(rate)
            if step in evaluated:
                score = self._evaluate()
                self.records.scores.append((step, score))
                self.records.points[step] = CurvePoint(step, self.losses[step].item(), rate, score)
            every = self.config.checkpoint_every
            if every and (step + 1) % every == 0 and step + 1 < self.total_steps:
                self._save(step + 1)
        return self.total_steps, False

    def _forward_and_backward(self, index: torch.Tensor) -> torch.Tensor:
        """Fill the gradients from the examples at `index`, shape `(batch,)`; their mean loss."""
        inputs, labels = self.prepared.train.batch(index)
        self.mixout.mix()
        with self._autocast():
            logits = self.model(**inputs).logits
        loss = nn.functional.cross_entropy(logits.float(), labels)
        self.flat.zero_gradients()
        loss.backward()
        self.mixout.restore()
        return loss.detach()

    def _update(self, rate: float) -> None:
        if self.h.max_grad_norm > 0:
            self.flat.clip_gradients(self.h.max_grad_norm)
        self.optimizer.step(rate)

    def _recorded_update(self, step: int, rate: float) -> bool:
        """An update with its gradients and relative size written down; False, and no update, if it diverged."""
        norms = self.norms.gradients().tolist()
        loss = self.losses[step].item()
        self.records.lower.append((step, self.norms.lower_layers(norms)))
        self.records.points[step] = CurvePoint(step, loss, rate)
        finite = math.isfinite(loss) and math.isfinite(sum(norms))
        ratios = [math.nan] * len(norms)
        if finite:
            before = self.flat.values.clone()
            self._update(rate)
            ratios = self.norms.relative_change(before).tolist()
        rows = zip(self.norms.groups, norms, ratios, strict=True)
        self.records.gradients += [GradientPoint(step, *row) for row in rows]
        return finite

    @torch.no_grad()
    def _evaluate(self) -> float:
        """The score on the validation set, NaN if a logit is not finite."""
        split = self.prepared.validation
        predictions = torch.empty_like(split.labels)
        finite = torch.ones((), dtype=torch.bool, device=self.device)
        self.model.eval()
        for index in split.evaluation_batches():
            inputs, _ = split.batch(index)
            with self._autocast():
                logits = self.model(**inputs).logits
            finite &= torch.isfinite(logits).all()
            predictions[index.to(self.device)] = logits.argmax(-1)
        self.model.train()
        predicted, labels = predictions.cpu().numpy(), split.labels.cpu().numpy()
        self.records.predicted_share = tuple(class_shares(predicted, self.prepared.num_labels).tolist())
        return compute_metric(self.prepared.metric, labels, predicted) if finite else math.nan

    def _autocast(self) -> AbstractContextManager[object]:
        # Weights, their gradients and the optimizer stay in fp32.
        return torch.autocast(self.device, torch.bfloat16) if self.h.precision == "bf16" else nullcontext()

    def _save(self, step: int) -> None:
        if self.config.checkpoint_file is None:
            return
        tensors = {"values": self.flat.values, "losses": self.losses, "random": torch.get_rng_state()}
        if self.device == "cuda":
            tensors["cuda_random"] = torch.cuda.get_rng_state()
        tensors |= self.optimizer.moments()
        seconds = time.perf_counter() - self.started
        state = Checkpoint(step, self.device_name, seconds, self.records, tensors)
        save_checkpoint(self.config.checkpoint_file, self.config.trial_id, state)

    def _resume(self) -> int:
        """Take up the run where its checkpoint left it, if it has one; the number of steps that are done."""
        file = self.config.checkpoint_file
        found = None if file is None else load_checkpoint(file, self.config.trial_id, self.device_name)
        if found is None:
            return 0
        for _ in range(found.step):
            next(self.batches)
        self.flat.values.copy_(found.tensors["values"])
        self.losses.copy_(found.tensors["losses"])
        self.optimizer.resume(found.step, found.tensors)
        self.records = found.records
        self.started -= found.seconds
        torch.set_rng_state(found.tensors["random"])
        if self.device == "cuda":
            torch.cuda.set_rng_state(found.tensors["cuda_random"])
        return found.step


def _either(own: int | None, shared: int) -> int:
    return shared if own is None else own
