"""Bands of a whole-number axis, to look at parts of a space."""

from __future__ import annotations

from dataclasses import dataclass

from tune_stability.spaces import Axis


@dataclass(frozen=True)
class Band:
    """The values `low` to `high` of an axis, both included, which span `start` to `end` of its measure."""

    low: int
    high: int
    start: float
    end: float

    @property
    def measure(self) -> float:
        """The share of the axis's measure that lies in the band."""
        return self.end - self.start

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


def whole_number_bands(axis: Axis, n_bands: int = 3) -> tuple[Band, ...]:
    """At most `n_bands` bands of about equal measure that cover a whole-number axis; fewer if it has fewer values.

    >>> [str(band) for band in whole_number_bands(Axis("num_epochs", 1, 20, "log"))]
    ['1', '2-5', '6-20']
    """
    low, high = int(axis.low), int(axis.high)
    n_bands = min(n_bands, high - low + 1)
    ends: list[int] = []
    for k in range(1, n_bands):
        # Every band keeps at least one value, those before and those after this end too.
        allowed = range((ends[-1] if ends else low - 1) + 1, high - (n_bands - k) + 1)
        ends.append(min(allowed, key=lambda value: abs(axis.position(value + 0.5) - k / n_bands)))
    starts = [low, *(value + 1 for value in ends)]
    return tuple(
        Band(first, last, axis.position(first - 0.5), axis.position(last + 0.5))
        for first, last in zip(starts, [*ends, high], strict=True)
    )
