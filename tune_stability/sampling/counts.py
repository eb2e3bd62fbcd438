"""What a sampler is told of a configuration: by recipe, how many of its completed trials succeeded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tune_stability.outcomes import Outcome

Counts = Mapping[str, tuple[int, int]]
"""By recipe: successes, and completed trials (at least one)."""


def count_outcomes(ended: Iterable[tuple[str, Outcome | None]]) -> Counts:
    """The counts of trials that ended, each given by its recipe and outcome; None, an error, counts for nothing."""
    counts: dict[str, tuple[int, int]] = {}
    for recipe, outcome in ended:
        if outcome is not None:
            successes, completed = counts.get(recipe, (0, 0))
            counts[recipe] = successes + (outcome == "success"), completed + 1
    return counts


def share_of_successes(counts: Counts) -> float | None:
    """The share of successes over all recipes; None if no trial completed."""
    completed = sum(n for _, n in counts.values())
    return sum(successes for successes, _ in counts.values()) / completed if completed else None
