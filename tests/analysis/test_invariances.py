"""What no estimator may depend on: the order of configurations and seeds, and which arm is called the baseline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tune_stability.analysis import Interval, success_rate, widening

OUTCOMES = st.sampled_from([0.0, 1.0, 1.0, np.nan])
PAIRS = arrays(float, st.tuples(st.just(2), st.integers(2, 24), st.integers(1, 4)), elements=OUTCOMES)
DESIGNS = st.sampled_from(["replicates", "points", "random"])


def sample(design: str, n: int) -> dict[str, object]:
    """What tells the estimators how `n` configurations were chosen."""
    if design == "replicates":
        return {"replicate": np.arange(n) % 8}
    return {"points": ((np.arange(n) * 0.618) % 1)[:, None]} if design == "points" else {"design": "random"}


def same(one: Interval, other: Interval) -> None:
    assert (one.n_configs, one.n_trials, one.missing, one.trustworthy, one.note) == (
        other.n_configs,
        other.n_trials,
        other.missing,
        other.trustworthy,
        other.note,
    )
    numbers = [(interval.estimate, interval.low, interval.high) for interval in (one, other)]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-9, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(PAIRS, DESIGNS, st.randoms(use_true_random=False))
def test_order_does_not_matter(pair: np.ndarray, design: str, random) -> None:  # type: ignore[no-untyped-def]
    known = sample(design, pair.shape[1])
    rows, seeds = list(range(pair.shape[1])), list(range(pair.shape[2]))
    random.shuffle(rows)
    random.shuffle(seeds)
    moved = pair[:, rows][:, :, seeds]
    also = {name: value[rows] if isinstance(value, np.ndarray) else value for name, value in known.items()}
    same(success_rate(pair[0], **known), success_rate(moved[0], **also))  # type: ignore[arg-type]
    one, other = widening(*pair, **known), widening(*moved, **also)  # type: ignore[arg-type]
    same(one.difference, other.difference)
    same(one.ratio, other.ratio)


@settings(max_examples=60, deadline=None)
@given(PAIRS, DESIGNS)
def test_the_other_arm_as_baseline_mirrors_the_widening(pair: np.ndarray, design: str) -> None:
    known = sample(design, pair.shape[1])
    one, other = (widening(*arms, **known) for arms in (pair, pair[::-1]))  # type: ignore[arg-type]
    same(one.baseline, other.treatment)
    mirrored = other.difference
    assert (one.difference.low, one.difference.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-9)
    if np.isfinite(one.ratio.estimate) and np.isfinite(other.ratio.estimate):
        assert one.ratio.estimate == pytest.approx(1 / other.ratio.estimate)
        if np.isfinite(other.ratio.high):
            assert one.ratio.low == pytest.approx(1 / other.ratio.high, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(PAIRS, DESIGNS)
def test_an_interval_holds_its_estimate_and_stays_in_range(pair: np.ndarray, design: str) -> None:
    found = widening(*pair, **sample(design, pair.shape[1]))  # type: ignore[arg-type]
    for interval, least, most in ((found.baseline, 0, 1), (found.difference, -1, 1), (found.ratio, 0, np.inf)):
        assert least <= interval.low <= interval.high <= most
        if np.isnan(interval.estimate):
            assert interval.note
        else:
            assert interval.low - 1e-12 <= interval.estimate <= interval.high + 1e-12
