from __future__ import annotations

import numpy as np
import pytest

from tune_stability.views import study_differences


def every_second(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 or recipe == "stable" else "u"


def never(recipe: str, index: int, seed: int) -> str:
    return "u"


def test_of_a_study_and_itself_nothing_differs(make_frame, make_view) -> None:
    view = make_view(make_frame(every_second))
    found = study_differences(view, view)
    assert [one.quantity for one in found] == [
        "success rate of devlin",
        "success rate of stable",
        "widening of stable over devlin",
    ]
    for one in found:
        assert one.difference.estimate == 0
        assert one.difference.low < 0 < one.difference.high
        assert one.is_paired


def test_the_second_is_compared_with_the_first(make_frame, make_view) -> None:
    first, second = make_view(make_frame(never)), make_view(make_frame(every_second))
    rates = {one.quantity: one for one in study_differences(first, second)}
    assert rates["success rate of devlin"].difference.estimate == pytest.approx(0.5)
    assert rates["success rate of stable"].difference.estimate == pytest.approx(1.0)
    widening = rates["widening of stable over devlin"]
    assert widening.difference.estimate == pytest.approx(0.5)
    assert (widening.first.estimate, widening.second.estimate) == (0.0, pytest.approx(0.5))
    back = {one.quantity: one.difference.estimate for one in study_differences(second, first)}
    assert back["success rate of stable"] == pytest.approx(-1.0)


def test_pairing_uses_only_what_all_arms_have(make_frame, make_view) -> None:
    whole = make_frame(every_second)
    part = whole[~((whole["config_index"] == 5) & (whole["seed"] == 5000) & (whole["recipe"] == "devlin"))]
    part = part[part["config_index"] < 12]
    found = study_differences(make_view(whole), make_view(part))
    assert found[0].difference.n_configs == 12
    assert found[0].difference.n_trials == 23
    assert found[0].difference.missing == 1
    assert all(one.difference.estimate == 0 for one in found)


@pytest.mark.parametrize("changed", [{"design_seed": 1}, {"replicates": 8}])
def test_studies_of_other_designs_are_independent(changed, make_frame, make_view) -> None:
    first, second = make_view(make_frame(never)), make_view(make_frame(every_second), **changed)
    for one in study_differences(first, second):
        assert not one.is_paired
        assert one.difference.estimate == pytest.approx(one.second.estimate - one.first.estimate)
        assert one.difference.method.endswith("independent")
        # Not narrower than the wider of the two on either side.
        assert one.difference.high - one.difference.estimate >= one.second.high - one.second.estimate - 1e-12


def test_what_is_not_in_both_is_not_compared(make_frame, make_view) -> None:
    frame = make_frame(every_second)
    alone = make_view(frame[frame["recipe"] == "devlin"], recipes=("devlin",))
    both = make_view(frame)
    assert [one.quantity for one in study_differences(alone, both)] == ["success rate of devlin"]
    assert study_differences(make_view(frame, sampler="tpe"), both) == []
    other = make_view(frame[frame["recipe"] == "stable"], recipes=("stable",))
    assert study_differences(alone, other) == []


def test_the_paired_interval_covers(make_frame, make_view) -> None:
    """Of 40 pairs of studies with known rates, at least 36 intervals hold the true difference, 0.2."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(40):
        draws = rng.random((2, 16, 2))

        def first(recipe: str, index: int, seed: int, draws=draws) -> str:
            return "s" if draws[0, index, seed % 2] < 0.4 else "u"

        def second(recipe: str, index: int, seed: int, draws=draws) -> str:
            return "s" if draws[1, index, seed % 2] < 0.6 else "u"

        views = [
            make_view(make_frame(one)[lambda rows: rows["recipe"] == "devlin"], recipes=("devlin",))
            for one in (first, second)
        ]
        (found,) = study_differences(*views)
        held += found.difference.low <= 0.2 <= found.difference.high
    assert held >= 36
