from __future__ import annotations

import dataclasses
import itertools
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.models.catalog import EMBEDDED
from tune_stability.models.loading import load_model
from tune_stability.outcomes import SuccessRule, failure_mode
from tune_stability.tasks import load_task
from tune_stability.tasks.grammar import load_grammar
from tune_stability.tasks.metrics import compute_metric
from tune_stability.tasks.task import Task
from tune_stability.training import fine_tuning, prepared
from tune_stability.training.fine_tuning import run_trial
from tune_stability.training.schedule import MAX_EVALUATIONS, MAX_RECORDED_STEPS, learning_rate
from tune_stability.trials import TrialConfig, TrialResult

# Four steps an epoch at batch size 16.
NUM_TRAIN, NUM_VALIDATION = 64, 50
LAYER_GROUPS = ["embeddings", "layer_1", "layer_2", "layer_3", "layer_4", "pooler", "classifier"]


def trial(seed: int = 0, model: str = "micro-bert", fingerprint: str = "small", **changes: object) -> TrialConfig:
    return TrialConfig(
        model=model,
        model_revision="",
        task="grammar",
        task_fingerprint=fingerprint,
        hyperparameters=Hyperparameters(learning_rate=3e-4, num_epochs=2).replace(**changes),
        seed=seed,
        recipe="x",
        config_index=0,
    )


@pytest.fixture(scope="module")
def small_task() -> Task:
    return load_grammar(NUM_TRAIN, NUM_VALIDATION)


@pytest.fixture
def small(small_task: Task, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    """The built-in task, small enough for a run in a fraction of a second."""
    monkeypatch.setattr(prepared, "load_task", lambda *_: small_task)
    yield small_task
    prepared._prepare.cache_clear()


def numbers(result: TrialResult) -> str:
    """All that a run determines, exactly; as text, so that NaN equals NaN."""
    return repr((dataclasses.replace(result, seconds=0.0), result.curve, result.gradients))


def losses(result: TrialResult) -> list[float]:
    return [point.loss for point in result.curve]


@pytest.mark.usefixtures("small")
class TestReproducibility:
    def test_a_trial_is_the_same_alone_and_among_others(self) -> None:
        alone = run_trial(trial())
        prepared._prepare.cache_clear()
        run_trial(trial(seed=5, learning_rate=1e-3, batch_size=8, dropout=0.3, max_seq_length=8))
        run_trial(trial(seed=6, learning_rate=1e10))  # which diverges
        threads = torch.get_num_threads()
        torch.manual_seed(77)
        random.seed(77)
        np.random.seed(77)
        try:
            torch.set_num_threads(threads + 1)
            among_others = run_trial(trial())
        finally:
            torch.set_num_threads(threads)
        assert numbers(among_others) == numbers(alone)
        assert alone.steps == 8
        assert all(math.isfinite(loss) for loss in losses(alone))

    def test_a_trial_is_the_same_in_another_process(self) -> None:
        script = f"""
import dataclasses
from tune_stability.tasks.grammar import load_grammar
from tune_stability.training import fine_tuning, prepared
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.trials import TrialConfig, TrialResult
task = load_grammar({NUM_TRAIN}, {NUM_VALIDATION})
prepared.load_task = lambda *_: task
config = TrialConfig(
    model="micro-bert", model_revision="", task="grammar", task_fingerprint="other",
    hyperparameters=Hyperparameters(learning_rate=3e-4, num_epochs=2), seed=0, recipe="y", config_index=9,
)
result = fine_tuning.run_trial(config)
print(repr((dataclasses.replace(result, seconds=0.0), result.curve, result.gradients)))
"""
        environment = {**os.environ, "OMP_NUM_THREADS": "3", "PYTHONHASHSEED": "1"}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
        )
        assert done.stdout.splitlines()[-1] == numbers(run_trial(trial()))

    def test_another_seed_changes_everything(self) -> None:
        first, second = run_trial(trial(seed=0)), run_trial(trial(seed=1))
        assert not set(losses(first)) & set(losses(second))
        assert not {point.norm for point in first.gradients} & {point.norm for point in second.gradients}
        assert (first.train_loss, first.gradient_start) != (second.train_loss, second.gradient_start)

    def test_labels_change_nothing(self) -> None:
        relabelled = dataclasses.replace(trial(), recipe="z", config_index=4, source="adaptive")
        assert numbers(run_trial(relabelled)) == numbers(run_trial(trial()))

    def test_the_caller_finds_everything_as_before(self) -> None:
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)
        before = (torch.get_rng_state(), random.getstate(), repr(np.random.get_state()), torch.get_num_threads())
        run_trial(trial())
        assert torch.equal(torch.get_rng_state(), before[0])
        assert random.getstate() == before[1]
        assert repr(np.random.get_state()) == before[2]
        assert torch.get_num_threads() == before[3]
        assert not flushes_denormals()

    def test_the_caller_finds_everything_as_before_after_an_error(self) -> None:
        state, threads = torch.get_rng_state(), torch.get_num_threads()
        with pytest.raises(UserError):
            run_trial(trial(model="./gone"))
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_num_threads() == threads
        assert not flushes_denormals()

    def test_a_caller_that_flushes_denormals_goes_on_doing_so(self) -> None:
        if not torch.set_flush_denormal(True):
            pytest.skip("this processor does not flush denormal numbers")
        try:
            run_trial(trial())
            assert flushes_denormals()
        finally:
            torch.set_flush_denormal(False)


def flushes_denormals() -> bool:
    return (torch.tensor([1e-310], dtype=torch.float64) * 1).item() == 0


class PlainRun:
    """The same run written out: texts tokenized batch by batch, Adam per parameter, no flat vectors, no records."""

    def __init__(self, task: Task, h: Hyperparameters, seed: int) -> None:
        loaded = load_model("micro-bert", task.num_labels)
        self.task, self.h, self.model, self.tokenizer = task, h, loaded.model, loaded.tokenizer
        torch.manual_seed(seed)
        self.generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            head = self.model.classifier
            head.weight.copy_(torch.normal(0.0, 0.02, head.weight.shape, generator=self.generator))
            head.bias.zero_()
        for module in self.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = h.dropout
        self.losses: list[float] = []
        self.total_norms: list[float] = []

    def run(self) -> float:
        h, n = self.h, len(self.task.train)
        total = math.ceil(n / h.batch_size) * h.num_epochs
        warmup = math.ceil(h.warmup_ratio * total)
        m = {name: torch.zeros_like(p) for name, p in self.model.named_parameters()}
        v = {name: torch.zeros_like(p) for name, p in self.model.named_parameters()}
        self.model.train()
        step = 0
        for _ in range(h.num_epochs):
            for index in torch.randperm(n, generator=self.generator).split(h.batch_size):
                rows = self.task.train[index.tolist()]
                self.model.zero_grad()
                logits = self.model(**self.encode(rows["sentence"])).logits
                loss = nn.functional.cross_entropy(logits, torch.tensor(rows["label"]))
                loss.backward()
                self.losses.append(loss.item())
                norm = nn.utils.clip_grad_norm_(self.model.parameters(), h.max_grad_norm or math.inf)
                self.total_norms.append(norm.item())
                lr = h.learning_rate * (step / warmup if step < warmup else (total - step) / (total - warmup))
                step += 1
                correction = math.sqrt(1 - h.adam_beta2**step) / (1 - h.adam_beta1**step) if h.bias_correction else 1.0
                with torch.no_grad():
                    for name, p in self.model.named_parameters():
                        m[name] = h.adam_beta1 * m[name] + (1 - h.adam_beta1) * p.grad
                        v[name] = h.adam_beta2 * v[name] + (1 - h.adam_beta2) * p.grad**2
                        p -= lr * correction * m[name] / (v[name].sqrt() + h.adam_epsilon)
                        if not (name.endswith("bias") or "LayerNorm" in name):
                            p -= lr * h.weight_decay * p
        return self.evaluate()

    def encode(self, texts: list[str]) -> dict[str, torch.Tensor]:
        return dict(self.tokenizer(list(texts), padding=True, return_tensors="pt"))

    @torch.no_grad()
    def evaluate(self) -> float:
        self.model.eval()
        logits = self.model(**self.encode(self.task.validation["sentence"])).logits
        return compute_metric(self.task.metric, list(self.task.validation["label"]), logits.argmax(-1).numpy())


@pytest.mark.parametrize(
    "changes",
    [
        {"bias_correction": True},
        {"bias_correction": False},
        {"bias_correction": False, "dropout": 0.0, "weight_decay": 0.5, "warmup_ratio": 0.5},
        # 64 = 2 * 24 + 16: the last batch of an epoch is smaller.
        {"batch_size": 24, "max_grad_norm": 0.05, "adam_beta2": 0.98, "warmup_ratio": 0.0},
        {"max_grad_norm": 0.0, "learning_rate": 1e-3},
    ],
    ids=str,
)
def test_a_run_is_the_one_written_out_plainly(small: Task, changes: dict) -> None:
    config = trial(num_epochs=3, **{"learning_rate": 6e-4, **changes})
    got = run_trial(config)
    with torch.random.fork_rng():
        plain = PlainRun(small, config.hyperparameters, config.seed)
        score = plain.run()
    assert [point.step for point in got.curve] == list(range(got.steps))
    assert losses(got) == pytest.approx(plain.losses, rel=2e-4)
    assert got.score == pytest.approx(score)
    norms = [
        math.hypot(*(point.norm for point in group)) for _, group in itertools.groupby(got.gradients, lambda g: g.step)
    ]
    # The norms recorded are those before clipping.
    assert norms == pytest.approx(plain.total_norms, rel=2e-3)
    assert max(losses(got)) - min(losses(got)) > 0.05


@pytest.fixture(scope="module")
def long(small_task: Task) -> TrialResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared, "load_task", lambda *_: small_task)
        result = run_trial(trial(num_epochs=13))
    prepared._prepare.cache_clear()
    return result


class TestRecords:
    def test_they_are_bounded_and_hold_the_first_and_the_last_step(self, long: TrialResult) -> None:
        assert long.steps == 52
        steps = [point.step for point in long.curve]
        assert steps == sorted(set(steps))
        assert (steps[0], steps[-1]) == (0, 51)
        assert len(steps) < 52
        assert len(steps) <= MAX_RECORDED_STEPS + MAX_EVALUATIONS
        assert len(long.gradients) <= MAX_RECORDED_STEPS * len(LAYER_GROUPS)

    def test_rates_are_those_of_the_schedule(self, long: TrialResult) -> None:
        for point in long.curve:
            assert point.learning_rate == learning_rate(point.step, 52, 0.1, 3e-4)
        assert long.curve[0].learning_rate == 0.0
        assert max(point.learning_rate for point in long.curve) > 2.7e-4

    def test_scores_are_those_of_a_few_epochs_ends(self, long: TrialResult) -> None:
        scores = {point.step: point.score for point in long.curve if point.score is not None}
        # Thirteen epochs in five parts end with epochs 3, 5, 8, 10 and 13, of four steps each.
        assert list(scores) == [11, 19, 31, 39, 51]
        assert long.score == scores[51]
        assert long.best_score == max(scores.values())
        assert long.best_step == min(step for step, score in scores.items() if score == long.best_score)

    def test_every_recorded_step_has_the_norm_of_every_group(self, long: TrialResult) -> None:
        by_step = {step: list(group) for step, group in itertools.groupby(long.gradients, lambda g: g.step)}
        for points in by_step.values():
            assert [point.layer_group for point in points] == LAYER_GROUPS
            assert all(0 < point.norm < math.inf for point in points)
            # Under warmup the first step has rate 0 and changes nothing.
            assert all((point.update_ratio > 0) == (point.step > 0) for point in points)
            assert all(point.update_ratio < 0.2 for point in points)
        evaluated_only = {point.step for point in long.curve} - set(by_step)
        assert evaluated_only <= {11, 19, 31, 39, 51}

    def test_the_summary_of_the_gradients_is_that_of_the_lower_half(self, long: TrialResult) -> None:
        lower: dict[int, float] = {}
        for point in long.gradients:
            if point.layer_group in ("layer_1", "layer_2"):
                lower[point.step] = math.hypot(lower.get(point.step, 0.0), point.norm)
        assert long.gradient_start == pytest.approx(statistics.median(list(lower.values())[:3]))
        second_half = [norm for step, norm in lower.items() if step >= 26]
        assert long.gradient_end == pytest.approx(statistics.median(second_half))

    def test_the_frame_of_a_result(self, long: TrialResult, small_task: Task) -> None:
        assert (long.metric, long.majority_score) == ("matthews_correlation", 0.0)
        assert long.chance_loss == small_task.chance_loss()
        assert long.device == "cpu" or torch.cuda.is_available()
        assert long.seconds > 0
        assert len(long.predicted_share) == 2
        assert sum(long.predicted_share) == pytest.approx(1.0, abs=1e-12)
        assert all((share * NUM_VALIDATION).is_integer() for share in long.predicted_share)

    @pytest.mark.parametrize(
        ("batch_size", "steps_per_epoch"), [(16, 4), (20, 4), (24, 3), (64, 1), (1000, 1), (63, 2)]
    )
    def test_the_training_loss_is_the_mean_of_the_last_epoch(
        self, small: Task, batch_size: int, steps_per_epoch: int
    ) -> None:
        result = run_trial(trial(batch_size=batch_size))
        assert result.steps == 2 * steps_per_epoch
        assert [point.step for point in result.curve if point.score is not None] == [
            steps_per_epoch - 1,
            2 * steps_per_epoch - 1,
        ]
        assert result.train_loss == pytest.approx(statistics.fmean(losses(result)[steps_per_epoch:]), rel=1e-12)


class TestHyperparameters:
    def test_bias_correction_acts_from_the_first_step_that_moves(self, small: Task) -> None:
        corrected, plain = run_trial(trial()), run_trial(trial(bias_correction=False))
        # The rate of step 0 is 0, so two losses agree.
        assert losses(corrected)[:2] == losses(plain)[:2]
        assert all(a != b for a, b in zip(losses(corrected)[2:], losses(plain)[2:], strict=True))

    def test_dropout_is_set_everywhere(self, small: Task) -> None:
        with_dropout, without, more = (run_trial(trial(dropout=p)) for p in (0.1, 0.0, 0.5))
        assert len({losses(result)[0] for result in (with_dropout, without, more)}) == 3
        # Without dropout the first loss is that of the model as it is evaluated.
        with torch.random.fork_rng():
            plain = PlainRun(small, Hyperparameters(dropout=0.1), seed=0)
            rows = small.train[torch.randperm(NUM_TRAIN, generator=plain.generator)[:16].tolist()]
            with torch.no_grad():
                logits = plain.model.eval()(**plain.encode(rows["sentence"])).logits
        expected = nn.functional.cross_entropy(logits, torch.tensor(rows["label"])).item()
        assert losses(without)[0] == pytest.approx(expected, rel=1e-5)
        assert losses(with_dropout)[0] != pytest.approx(expected, rel=1e-5)
        assert numbers(run_trial(trial(dropout=0.0))) == numbers(without)

    def test_no_clipping_is_clipping_far_above(self, small: Task) -> None:
        off = run_trial(trial(max_grad_norm=0.0))
        assert numbers(off) == numbers(run_trial(trial(max_grad_norm=1e6)))
        assert losses(off) != losses(run_trial(trial(max_grad_norm=1e-3)))

    def test_segment_ids_of_single_sentences_are_those_the_model_assumes(self, small: Task) -> None:
        assert numbers(run_trial(trial(token_type_ids=False))) == numbers(run_trial(trial()))

    def test_a_shorter_sequence_is_another_run(self, small: Task) -> None:
        short, whole = run_trial(trial(max_seq_length=3)), run_trial(trial())
        assert short.steps == whole.steps
        assert losses(short) != losses(whole)


class TestDivergence:
    # At 1e3 it is the decay that overflows: a step of 1 - 1e3 * .01 makes weights nine times larger.
    @pytest.mark.parametrize(("rate", "decay"), [(1e3, 0.01), (1e10, 0.0), (1e10, 0.01), (1e30, 0.0)])
    def test_a_rate_far_too_high_is_a_result(self, small: Task, rate: float, decay: float) -> None:
        result = run_trial(trial(learning_rate=rate, num_epochs=10, weight_decay=decay))
        self.check_diverged(result, 40)

    @staticmethod
    def check_diverged(result: TrialResult, total_steps: int) -> None:
        assert math.isnan(result.score)
        assert math.isnan(result.train_loss)
        assert math.isnan(result.gradient_end)
        assert result.steps < total_steps
        assert result.predicted_share == ()
        assert result.curve[-1].step == result.steps - 1
        assert len(result.gradients) % len(LAYER_GROUPS) == 0
        assert not SuccessRule().succeeded(result.score, result.majority_score)
        mode = failure_mode(result.train_loss, result.chance_loss, result.gradient_start, result.gradient_end)
        assert mode == "diverged"

    def test_weights_that_overflow_end_a_run_at_its_first_step(self, small: Task, tmp_path: Path) -> None:
        folder = tmp_path / "overflowing"
        shutil.copytree(EMBEDDED["micro-bert"].folder, folder)
        stored = load_file(folder / "model.safetensors")
        name = "bert.encoder.layer.3.output.dense.weight"
        stored[name] = torch.full_like(stored[name], 1e38)
        save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
        result = run_trial(trial(model=str(folder)))
        self.check_diverged(result, 8)
        assert result.steps == 1
        assert math.isnan(result.best_score)
        assert result.best_step == 0
        assert not math.isfinite(result.curve[0].loss)

    def test_a_loss_that_is_lost_between_records_is_noticed_at_the_next(
        self, small: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fine_tuning, "recorded_steps", lambda total: [0, 5, total - 1])
        result = run_trial(trial(learning_rate=1e30))
        self.check_diverged(result, 8)
        assert result.steps == 6

    def test_a_gradient_that_overflows_in_the_last_step_is_a_result(
        self, small: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        measure = fine_tuning.GroupNorms.gradients
        calls = itertools.count(1)

        def overflowing(self: fine_tuning.GroupNorms) -> torch.Tensor:
            return measure(self) * (math.inf if next(calls) == 4 else 1.0)

        monkeypatch.setattr(fine_tuning.GroupNorms, "gradients", overflowing)
        result = run_trial(trial(num_epochs=1))
        assert math.isnan(result.score)
        assert math.isnan(result.train_loss)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "micro_bert"}, "unknown model 'micro_bert'; did you mean 'micro-bert'?"),
        ({"task": "gramar"}, "unknown task 'gramar'; did you mean 'grammar'?"),
    ],
)
def test_what_cannot_be_loaded_is_an_error(change: dict, words: str) -> None:
    with pytest.raises(UserError) as caught:
        run_trial(dataclasses.replace(trial(fingerprint=""), **change))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("small")
class TestSeedsOfTheirOwn:
    def run(self, **seeds: int) -> tuple[TrialResult, list[torch.Tensor], torch.Tensor]:
        """A short run with dropout, its first batches of indices, and the head that it started with."""
        config = dataclasses.replace(trial(num_epochs=1), **seeds)
        run = fine_tuning._Run(config, "cpu")
        head = dict(run.model.named_parameters())["classifier.weight"].detach().clone()
        batches, run.batches = itertools.tee(run.batches)
        return run.result(), list(itertools.islice(batches, 4)), head

    @pytest.mark.parametrize(
        ("changed", "head_same", "order_same"),
        [("init_seed", False, True), ("data_seed", True, False), ("dropout_seed", True, True)],
    )
    def test_each_sets_its_own_part_alone(self, changed: str, head_same: bool, order_same: bool) -> None:
        seeds = {"init_seed": 1, "data_seed": 2, "dropout_seed": 3}
        result, order, head = self.run(**seeds)
        other, other_order, other_head = self.run(**{**seeds, changed: 9})
        assert torch.equal(head, other_head) == head_same
        assert all(torch.equal(a, b) for a, b in zip(order, other_order, strict=True)) == order_same
        assert losses(result) != losses(other)

    def test_with_all_three_the_seed_of_the_trial_sets_nothing(self) -> None:
        seeds = {"init_seed": 1, "data_seed": 2, "dropout_seed": 3}
        assert numbers(self.run(**seeds, seed=4)[0]) == numbers(self.run(**seeds, seed=5)[0])


@pytest.mark.usefixtures("small")
class TestPrecision:
    def test_bf16_is_close_to_fp32_and_keeps_the_weights_in_fp32(self) -> None:
        exact, rough = run_trial(trial()), run_trial(trial(precision="bf16"))
        assert losses(exact) != losses(rough)
        assert losses(rough) == pytest.approx(losses(exact), rel=0.02)
        run = fine_tuning._Run(trial(precision="bf16"), "cpu")
        run.result()
        assert run.flat.values.dtype == run.flat.gradients.dtype == torch.float32


@pytest.mark.usefixtures("small")
class TestStepsInPlaceOfEpochs:
    @pytest.mark.parametrize(("max_steps", "evaluated"), [(1, [0]), (6, [0, 1, 3, 4, 5]), (8, [3, 7])])
    def test_a_run_has_as_many_steps_as_asked_for(self, max_steps: int, evaluated: list[int]) -> None:
        result = run_trial(trial(max_steps=max_steps, num_epochs=1))
        assert result.steps == max_steps
        assert [point.step for point in result.curve if point.score is not None] == evaluated
        assert result.curve[-1].step == max_steps - 1

    def test_the_same_steps_as_whole_epochs_are_the_same_run(self) -> None:
        by_steps, by_epochs = run_trial(trial(max_steps=8, num_epochs=1)), run_trial(trial(num_epochs=2))
        assert numbers(by_steps) == numbers(by_epochs)

    def test_a_sample_of_the_training_set(self) -> None:
        result = run_trial(trial(train_size=32, num_epochs=1))
        assert result.steps == 2
        assert numbers(result) != numbers(run_trial(trial(train_size=32, train_seed=1, num_epochs=1)))


class TestRealRuns:
    """The task and the model as they ship, three epochs each."""

    def test_the_reference_rate_with_bias_correction_learns(self) -> None:
        result = run_trial(trial(fingerprint="", num_epochs=3))
        assert result.steps == 192
        assert result.score > 0.1
        assert result.train_loss < result.chance_loss
        assert SuccessRule().succeeded(result.score, result.majority_score)
        # It no longer says the same of every sentence.
        assert 0.5 < result.predicted_share[1] < 1.0
        # The lower layers are alive: their gradients grow as the loss leaves chance.
        assert result.gradient_end > result.gradient_start

    def test_a_high_rate_without_it_fails_with_vanishing_gradients(self) -> None:
        result = run_trial(trial(fingerprint="", num_epochs=3, learning_rate=1e-2, bias_correction=False))
        assert result.steps == 192
        assert result.score == result.majority_score == 0.0
        assert result.predicted_share in ((0.0, 1.0), (1.0, 0.0))
        assert result.gradient_end < 1e-3 * result.gradient_start
        mode = failure_mode(result.train_loss, result.chance_loss, result.gradient_start, result.gradient_end)
        assert mode == "vanishing_gradients"

    def test_the_task_is_the_shipped_one(self) -> None:
        result = run_trial(trial(fingerprint="", num_epochs=1, batch_size=1024))
        assert result.chance_loss == load_task("grammar").chance_loss()
        assert result.steps == 1
