"""Bands of a whole-number axis, to look at parts of a space."""

from __future__ import annotations

from dataclasses import dataclass

from tune_stability.axes import AnyAxis


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


def whole_number_bands(axis: AnyAxis, n_bands: int = 3) -> tuple[Band, ...]:
    """At most `n_bands` bands of about equal measure that cover a whole-number axis; fewer if it has fewer values.

    >>> from tune_stability.axes import Axis
    >>> [str(band) for band in whole_number_bands(Axis("num_epochs", 1, 20, "log"))]
    ['1', '2-5', '6-20']
    """
    values = [int(value) for value in axis.values]
    stretches = [axis.stretch(value) for value in values]
    n_bands = min(n_bands, len(values))
    lasts: list[int] = []
    for k in range(1, n_bands):
        # Every band keeps at least one value, those before and those after this one too.
        allowed = range((lasts[-1] if lasts else -1) + 1, len(values) - (n_bands - k))
        lasts.append(min(allowed, key=lambda place: abs(stretches[place][1] - k / n_bands)))
    firsts = [0, *(place + 1 for place in lasts)]
    return tuple(
        Band(values[first], values[last], stretches[first][0], stretches[last][1])
        for first, last in zip(firsts, [*lasts, len(values) - 1], strict=True)
    )
