from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

import pytest

from tune_stability.sampling import sources
from tune_stability.sampling.counts import Counts
from tune_stability.sampling.enumeration import design_configurations, enumerate_trials
from tune_stability.sampling.sources import (
    MAX_BATCH,
    AdaptiveSource,
    Batch,
    EnumeratedSource,
    TrialEnd,
    TrialSource,
    UntilDeadline,
)
from tune_stability.spaces import Configuration


def ends(batch: Batch, seconds: float = 1.0, outcome: str | None = "success") -> list[TrialEnd]:
    return [TrialEnd(trial.trial_id, trial.recipe, outcome, seconds) for trial in batch.trials]  # type: ignore[arg-type]


def batches(source: TrialSource, seconds: float) -> list[Batch]:
    """All batches, each ended before the next is asked for."""
    found = []
    while batch := source.next_batch():
        found.append(batch)
        source.batch_ended(batch, ends(batch, seconds))
    return found


@dataclass
class FixedProposer:
    """Proposes one learning rate after another, and remembers what it is told."""

    told: dict[int, Counts] = field(default_factory=dict)
    placed: dict[int, Configuration] = field(default_factory=dict)

    def propose(self, key: int) -> Configuration:
        return {"learning_rate": 1e-5 * (key + 1), "warmup_ratio": 0.1, "num_epochs": key + 1}

    def place(self, key: int, configuration: Configuration) -> None:
        self.placed[key] = configuration

    def tell(self, key: int, counts: Counts) -> None:
        self.told[key] = counts


def test_an_enumerated_source_hands_out_every_trial_once_and_in_order(make_spec) -> None:
    trials = enumerate_trials(make_spec(num_configs=16))
    found = batches(EnumeratedSource(trials), seconds=1.0)
    assert [trial for batch in found for trial in batch.trials] == trials
    assert len({batch.key for batch in found}) == len(found)


def test_before_any_trial_has_ended_a_batch_is_one_trial(make_spec) -> None:
    source = EnumeratedSource(enumerate_trials(make_spec()))
    assert [len(batch.trials) for batch in itertools.islice(iter(source.next_batch, None), 5)] == [1] * 5


@pytest.mark.parametrize(
    ("seconds", "size"),
    [(60.0, 1), (5.0, 1), (2.6, 1), (2.5, 2), (1.0, 5), (0.2, 25), (0.1, 50)],
)
def test_a_batch_takes_about_five_seconds_and_the_last_ones_are_small(make_spec, seconds: float, size: int) -> None:
    trials = enumerate_trials(make_spec(num_configs=128))
    sizes = [len(batch.trials) for batch in batches(EnumeratedSource(trials), seconds)]
    assert sizes[0] == 1
    assert sizes[1:5] == [size] * 4
    # Towards the end no batch has more than an eighth of what is left, so that no worker waits long for another.
    left = len(trials)
    for handed in sizes:
        assert handed <= max(1, left // 8)
        left -= handed
    assert sizes[-8:] == [1] * 8


@pytest.mark.parametrize("seconds", [0.001, 0.0])
def test_a_batch_of_the_shortest_trials_has_a_limit(make_spec, seconds: float) -> None:
    trial = enumerate_trials(make_spec())[0]
    source = EnumeratedSource([trial] * (13 * MAX_BATCH))
    sizes = []
    for _ in range(4):
        batch = source.next_batch()
        assert batch is not None
        sizes.append(len(batch.trials))
        source.batch_ended(batch, ends(batch, seconds))
    assert sizes == [1, MAX_BATCH, MAX_BATCH, MAX_BATCH]


def test_the_size_follows_recent_trials(make_spec) -> None:
    source = EnumeratedSource(enumerate_trials(make_spec(num_configs=64)))
    first = source.next_batch()
    assert first is not None
    source.batch_ended(first, [TrialEnd("a", "devlin", "success", 10.0)] * 200)
    source.batch_ended(first, [TrialEnd("b", "devlin", "success", 0.5)] * 50)
    second = source.next_batch()
    assert second is not None
    assert len(second.trials) == 10


def test_a_source_of_nothing_ends_at_once() -> None:
    assert EnumeratedSource([]).next_batch() is None


def test_an_adaptive_source_proposes_each_free_index_with_all_its_seeds_and_recipes(make_spec) -> None:
    proposer = FixedProposer()
    found = batches(AdaptiveSource(make_spec(sampler="tpe", num_configs=3), proposer, [0, 1, 2], []), 1.0)
    assert [batch.key for batch in found] == [0, 1, 2]
    for batch in found:
        assert len(batch.trials) == 3 * 2
        assert {t.config_index for t in batch.trials} == {batch.key}
        assert {t.source for t in batch.trials} == {"adaptive"}
        assert {t.hyperparameters.learning_rate for t in batch.trials} == {1e-5 * (batch.key + 1)}
    assert proposer.told == {key: {"devlin": (3, 3), "stable": (3, 3)} for key in range(3)}
    assert proposer.placed == {}


@pytest.mark.parametrize(
    ("outcomes", "counts"),
    [
        (["success"] * 6, {"devlin": (3, 3), "stable": (3, 3)}),
        (["failed"] * 6, {"devlin": (0, 3), "stable": (0, 3)}),
        (["success", "failed", "failed", "failed"], {"devlin": (1, 2), "stable": (0, 2)}),
        (["success", None, None], {"devlin": (1, 1)}),
        ([None, "success", None, "failed"], {"stable": (1, 2)}),
        ([None, None], {}),
    ],
)
def test_a_configuration_is_told_by_the_successes_of_each_recipe_without_errors(
    make_spec, outcomes: list, counts: Counts
) -> None:
    proposer = FixedProposer()
    source = AdaptiveSource(make_spec(sampler="tpe", num_configs=1), proposer, [0], [])
    batch = source.next_batch()
    assert batch is not None
    arms = itertools.cycle(("devlin", "stable"))
    source.batch_ended(batch, [TrialEnd(str(i), next(arms), outcome, 1.0) for i, outcome in enumerate(outcomes)])
    assert proposer.told == {0: counts}


def test_every_fourth_configuration_of_a_boundary_study_is_of_its_design_and_the_proposer_hears_of_it(
    make_spec,
) -> None:
    spec, proposer = make_spec(sampler="boundary", num_configs=9), FixedProposer()
    found = batches(AdaptiveSource(spec, proposer, range(9), []), 1.0)
    assert [{t.source for t in batch.trials} for batch in found] == [
        {"design"} if i in (0, 4, 8) else {"adaptive"} for i in range(9)
    ]
    sobol = design_configurations(make_spec(num_configs=3))
    assert proposer.placed == {0: sobol[0], 4: sobol[1], 8: sobol[2]}
    for key, configuration in proposer.placed.items():
        hyperparameters = found[key].trials[0].hyperparameters
        assert {name: getattr(hyperparameters, name) for name in configuration} == configuration
        assert {t.seed for t in found[key].trials} == {1000 * key, 1000 * key + 1, 1000 * key + 2}
    assert set(proposer.told) == set(range(9))


def test_configurations_begun_earlier_come_first_and_are_not_told(make_spec) -> None:
    spec = make_spec(sampler="tpe", num_configs=5)
    begun = enumerate_trials(make_spec())
    earlier = [begun[1:3], begun[6:8]]
    proposer = FixedProposer()
    found = batches(AdaptiveSource(spec, proposer, [3, 4], earlier), 1.0)
    assert [batch.trials for batch in found[:2]] == [tuple(trials) for trials in earlier]
    assert [batch.key for batch in found] == [0, 1, 3, 4]
    # Only what this search asked for: the proposer was given the earlier scores when it was made.
    assert set(proposer.told) == {3, 4}


def test_nothing_is_handed_out_after_the_deadline_and_ends_still_arrive(
    make_spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(sources.time, "time", lambda: now)
    proposer = FixedProposer()
    source = UntilDeadline(AdaptiveSource(make_spec(sampler="tpe"), proposer, range(8), []), 10.0)
    batch = source.next_batch()
    assert batch is not None
    now = 109.9
    assert source.next_batch() is not None
    now = 110.0
    assert source.next_batch() is None
    source.batch_ended(batch, ends(batch))
    assert proposer.told == {0: {"devlin": (3, 3), "stable": (3, 3)}}


def test_a_deadline_of_no_time_hands_out_nothing(make_spec) -> None:
    started = time.monotonic()
    assert UntilDeadline(EnumeratedSource(enumerate_trials(make_spec())), 0.0).next_batch() is None
    assert time.monotonic() - started < 5
