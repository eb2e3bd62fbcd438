from __future__ import annotations

import math
import warnings

import optuna
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.sampling.counts import Counts
from tune_stability.sampling.distributions import distributions
from tune_stability.sampling.optuna_samplers import ADAPTIVE, AskTell, make_sampler
from tune_stability.spaces import Configuration, SearchSpace, get_space

WIDE = get_space("wide", 2e-5)
LEARNING_RATE = SearchSpace("lr", (Axis("learning_rate", 1e-7, 1e-3, "log"),))


def quality(configuration: Configuration) -> float:
    """1 at a learning rate of 1e-6, falling to 0 a decade away."""
    return max(0.0, 1.0 - abs(math.log10(configuration["learning_rate"]) + 6))


def counts(configuration: Configuration) -> Counts:
    """So many of a thousand trials as `quality` says."""
    return {"devlin": (round(1000 * quality(configuration)), 1000)}


def ask(sampler: AskTell, n: int) -> list[Configuration]:
    found = []
    for key in range(n):
        found.append(sampler.propose(key))
        sampler.tell(key, counts(found[-1]))
    return found


@pytest.mark.parametrize("name", ADAPTIVE)
def test_proposals_lie_in_the_space(name: str) -> None:
    # The first ten are random.
    for configuration in ask(AskTell(WIDE, name, 0, []), 12):
        assert tuple(configuration) == WIDE.names
        for axis in WIDE.axes:
            assert axis.low <= configuration[axis.name] <= axis.high
            assert isinstance(configuration[axis.name], int if axis.is_integer else float)


@pytest.mark.parametrize(("name", "n", "least"), [("tpe", 40, 12), ("gp", 16, 4)])
def test_proposals_go_where_the_scores_told_are_high(name: str, n: int, least: int) -> None:
    found = ask(AskTell(LEARNING_RATE, name, 0, []), n)
    # By chance a quarter of the proposals would lie within half a decade of the best rate.
    near = [abs(math.log10(c["learning_rate"]) + 6) < 0.5 for c in found]
    later = near[20:] if name == "tpe" else near[10:]
    assert sum(later) >= least
    assert sum(later) / len(later) > sum(near[:10]) / 10


@pytest.mark.parametrize(("name", "n", "least"), [("tpe", 10, 6), ("gp", 4, 3)])
def test_known_scores_have_the_same_effect_as_told_ones(name: str, n: int, least: int) -> None:
    rates = [10 ** (-7 + 4 * (i + 0.5) / 30) for i in range(30)]
    known = [({"learning_rate": rate}, counts({"learning_rate": rate})) for rate in rates]
    found = ask(AskTell(LEARNING_RATE, name, 1, known), n)
    assert sum(abs(math.log10(c["learning_rate"]) + 6) < 0.5 for c in found) >= least


@pytest.mark.parametrize("name", ADAPTIVE)
def test_the_same_seed_proposes_the_same(name: str) -> None:
    assert ask(AskTell(WIDE, name, 3, []), 8) == ask(AskTell(WIDE, name, 3, []), 8)
    assert ask(AskTell(WIDE, name, 3, []), 8) != ask(AskTell(WIDE, name, 4, []), 8)


def test_a_configuration_without_a_score_is_a_failure_and_the_search_goes_on() -> None:
    sampler = AskTell(LEARNING_RATE, "tpe", 0, [])
    sampler.propose(0)
    sampler.propose(1)
    sampler.tell(1, {})
    sampler.tell(0, {"devlin": (1, 2), "stable": (0, 2)})
    trials = sampler._memory.study.trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL"]
    assert trials[0].value == 0.25
    assert trials[0].user_attrs == {"counts": {"devlin": (1, 2), "stable": (0, 2)}}
    assert sampler.propose(2)


def test_a_score_is_told_once_and_only_for_what_was_proposed() -> None:
    sampler = AskTell(LEARNING_RATE, "tpe", 0, [])
    sampler.propose(0)
    sampler.tell(0, {"devlin": (1, 1)})
    with pytest.raises(KeyError):
        sampler.tell(0, {"devlin": (1, 1)})


def test_distributions_have_the_measure_of_the_space() -> None:
    learning_rate, warmup, epochs = distributions(WIDE).values()
    assert (learning_rate.low, learning_rate.high, learning_rate.log) == (WIDE.axes[0].low, WIDE.axes[0].high, True)
    assert (warmup.low, warmup.high, warmup.log) == (0.0, 0.3, False)
    assert isinstance(epochs, optuna.distributions.IntDistribution)
    assert (epochs.low, epochs.high, epochs.log) == (1, 20, True)


CHOSEN = SearchSpace(
    "chosen",
    (
        LEARNING_RATE.axes[0],
        ChoiceAxis("lr_scheduler_type", ("linear", "cosine")),
        ChoiceAxis("bias_correction", (True, False)),
        ChoiceAxis("batch_size", (8, 16, 32)),
    ),
)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_choices_are_proposed_told_and_known(name: str) -> None:
    found = ask(AskTell(CHOSEN, name, 0, []), 12)
    for configuration in found:
        for axis in CHOSEN.axes[1:]:
            assert configuration[axis.name] in axis.values
            assert type(configuration[axis.name]) is type(axis.values[0])
    assert {configuration["bias_correction"] for configuration in found} == {True, False}
    again = AskTell(CHOSEN, name, 0, [(configuration, counts(configuration)) for configuration in found])
    assert tuple(again.propose(0)) == CHOSEN.names


def test_optuna_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask(AskTell(LEARNING_RATE, "tpe", 0, []), 3)
    assert capfd.readouterr() == ("", "")


def test_an_unknown_sampler_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match="unknown sampler 'tpa'; did you mean 'tpe'"):
        make_sampler("tpa", WIDE, 0, 0)
