from __future__ import annotations

import itertools
import math

import numpy as np
import optuna
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.sampling import boundary
from tune_stability.sampling.boundary import BoundarySampler
from tune_stability.sampling.counts import Counts
from tune_stability.sampling.distributions import distributions
from tune_stability.sampling.optuna_samplers import AskTell
from tune_stability.spaces import Configuration, SearchSpace, get_space

LINE = SearchSpace("line", (Axis("warmup_ratio", 0.0, 1.0),))
SQUARE = SearchSpace("square", (Axis("warmup_ratio", 0.0, 1.0), Axis("weight_decay", 0.0, 1.0)))
LOW, HIGH = 0.23, 0.71


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at fewer places, which is quick."""
    for name, size in (("NUM_CANDIDATES", 128), ("NUM_CLOSE", 16), ("NUM_REFERENCE", 128)):
        monkeypatch.setattr(boundary, name, size)


def step(configuration: Configuration) -> Counts:
    return {"devlin": (int(LOW < float(configuration["warmup_ratio"]) < HIGH), 1)}


def history(n: int, seed: int = 0) -> list[tuple[Configuration, Counts]]:
    """The first `n` configurations of a search, one after the other, with what they showed."""
    search, found = AskTell(LINE, "boundary", seed, []), []
    for key in range(n):
        configuration = search.propose(key)
        found.append((configuration, step(configuration)))
        search.tell(key, found[-1][1])
    return found


def test_proposals_gather_at_both_edges() -> None:
    rates = [float(configuration["warmup_ratio"]) for configuration, _ in history(18)]
    near = [min(abs(rate - LOW), abs(rate - HIGH)) < 0.06 for rate in rates]
    # By chance a quarter would.
    assert sum(near[8:]) >= 7
    for edge in (LOW, HIGH):
        assert min(abs(rate - edge) for rate in rates) < 0.03


def test_the_same_seed_and_rows_give_the_same_proposals_also_to_a_search_that_goes_on() -> None:
    whole = history(9)
    assert history(9) == whole
    assert history(3, seed=1) != whole[:3]
    search, again = AskTell(LINE, "boundary", 0, whole[:6]), []
    for key in range(6, 9):
        configuration = search.propose(key)
        again.append((configuration, step(configuration)))
        search.tell(key, again[-1][1])
    assert again == whole[6:]


@pytest.mark.parametrize("known", [0, 7])
def test_workers_in_parallel_get_places_apart(known: int) -> None:
    search = AskTell(LINE, "boundary", 0, history(known))
    rates = [float(search.propose(key)["warmup_ratio"]) for key in range(5)]
    assert len(set(rates)) == 5
    # Each is away from the one before it; two edges leave less room than five workers.
    assert min(abs(b - a) for a, b in itertools.pairwise(rates)) > 0.01


def test_what_runs_elsewhere_is_not_proposed() -> None:
    known = history(7)
    alone = AskTell(LINE, "boundary", 0, known).propose(0)
    search = AskTell(LINE, "boundary", 0, known)
    search.place(0, alone)
    assert abs(float(search.propose(1)["warmup_ratio"]) - float(alone["warmup_ratio"])) > 0.01


def test_a_configuration_whose_trials_all_crash_is_not_tried_over_and_over() -> None:
    search, rates = AskTell(LINE, "boundary", 0, history(7)), []
    for key in range(4):
        rates.append(float(search.propose(key)["warmup_ratio"]))
        search.tell(key, {})
    assert min(abs(b - a) for a, b in itertools.pairwise(rates)) > 0.01


def test_every_arm_has_its_boundary() -> None:
    # One arm works up to 0.2, the other from 0.8.
    search, rates = AskTell(LINE, "boundary", 0, []), []
    for key in range(14):
        rates.append(float(search.propose(key)["warmup_ratio"]))
        search.tell(key, {"devlin": (int(rates[-1] < 0.2), 1), "stable": (int(rates[-1] > 0.8), 1)})
    for edge in (0.2, 0.8):
        assert sum(abs(rate - edge) < 0.08 for rate in rates[4:]) >= 2


def test_an_arm_without_trials_somewhere_is_told_by_the_others() -> None:
    search = AskTell(LINE, "boundary", 0, [])
    for key in range(8):
        rate = float(search.propose(key)["warmup_ratio"])
        search.tell(key, {"devlin": (int(rate < 0.5), 1)} if key % 2 else {"stable": (2, 2), "devlin": (0, 1)})
    assert 0 <= float(search.propose(8)["warmup_ratio"]) <= 1


@pytest.mark.parametrize("workers", [1, 3])
def test_it_runs_alone_under_optuna(workers: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def share(trial: optuna.Trial) -> float:
        x, y = trial.suggest_float("warmup_ratio", 0, 1), trial.suggest_float("weight_decay", 0, 1)
        return float(x + y > 1)

    study = optuna.create_study(direction="maximize", sampler=BoundarySampler(SQUARE, seed=1, num_seeds=2))
    study.optimize(share, n_trials=15, n_jobs=workers)
    found = np.array([[trial.params[name] for name in SQUARE.names] for trial in study.trials])
    assert len(np.unique(found.round(2), axis=0)) == 15
    if workers > 1:
        # Which results a proposal knows then depends on the clock.
        return
    # Within 0.15 of the diagonal lies 38 % of the square.
    assert (np.abs(found[6:].sum(axis=1) - 1) / math.sqrt(2) < 0.15).mean() > 0.5


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (
            lambda trial: trial.suggest_float("dropout", 0, 1),
            r"proposes the axes of its space \(warmup_ratio\), received a request for dropout over",
        ),
        (
            lambda trial: 3.5 + trial.suggest_float("warmup_ratio", 0, 1),
            r"needs a share of successes in \[0, 1\] as the value of a trial, received \d\.\d+ from trial 0",
        ),
    ],
)
def test_what_it_cannot_use_is_refused_in_one_line(objective, message: str) -> None:
    study = optuna.create_study(direction="maximize", sampler=BoundarySampler(LINE))
    with pytest.raises(UserError, match=message) as caught:
        study.optimize(objective, n_trials=2)
    assert "\n" not in str(caught.value)


def test_choices_and_whole_numbers_are_proposed_as_such() -> None:
    space = SearchSpace(
        "mixed",
        (
            ChoiceAxis("batch_size", (8, 16, 32)),
            ChoiceAxis("lr_scheduler_type", ("linear", "cosine")),
            *get_space("wide", 2e-5).axes,
        ),
    )
    search = AskTell(space, "boundary", 0, [])
    for key in range(6):
        configuration = search.propose(key)
        assert tuple(configuration) == space.names
        for name, distribution in distributions(space).items():
            assert distribution._contains(distribution.to_internal_repr(configuration[name]))
        assert [type(value) for value in configuration.values()] == [int, str, float, float, int]
        search.tell(key, {"devlin": (int(configuration["batch_size"] == 16), 1)})


@pytest.mark.parametrize("counts", [{}, {"devlin": (0, 0)}, {"devlin": (3, 2)}, {"devlin": (-1, 2)}])
def test_counts_that_cannot_be_are_refused_in_one_line(counts: Counts) -> None:
    def objective(trial: optuna.Trial) -> float:
        trial.set_user_attr(boundary.COUNTS, counts)
        return trial.suggest_float("warmup_ratio", 0.0, 1.0)

    study = optuna.create_study(sampler=BoundarySampler(LINE))
    with pytest.raises(UserError, match=r"needs by recipe the successes .* from trial 0\.") as caught:
        study.optimize(objective, n_trials=2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("num_seeds", [0, -1])
def test_each_proposal_has_a_seed(num_seeds: int) -> None:
    with pytest.raises(UserError, match=f"num_seeds must be at least 1, received {num_seeds}"):
        BoundarySampler(LINE, num_seeds=num_seeds)
