from __future__ import annotations

import pytest

from tune_stability.sampling.counts import Counts, count_outcomes, share_of_successes


@pytest.mark.parametrize(
    ("ended", "counts", "share"),
    [
        ([], {}, None),
        ([("devlin", None)], {}, None),
        ([("devlin", "success")], {"devlin": (1, 1)}, 1.0),
        ([("devlin", "failed"), ("stable", None)], {"devlin": (0, 1)}, 0.0),
        (
            [
                ("devlin", "failed"),
                ("stable", "success"),
                ("devlin", "success"),
                ("devlin", None),
                ("stable", "success"),
            ],
            {"devlin": (1, 2), "stable": (2, 2)},
            0.75,
        ),
    ],
)
def test_outcomes_are_counted_by_recipe(ended: list, counts: Counts, share: float | None) -> None:
    assert count_outcomes(ended) == counts
    assert share_of_successes(counts) == share
