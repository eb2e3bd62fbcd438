"""Where marks of several arms stand side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FILLED = 0.84


def slots(names: Sequence[str]) -> tuple[dict[str, float], float]:
    """The offset of each name from a whole number, and how wide its box is, so that all fit between two of them."""
    width = _FILLED / len(names) if names else _FILLED
    return {name: (place - (len(names) - 1) / 2) * width for place, name in enumerate(names)}, 0.86 * width


def spread(n: int) -> NDArray[np.float64]:
    """Offsets in [-0.5, 0.5) of `n` points that would hide one another: even however many there are, and no chance."""
    golden = (np.sqrt(5) - 1) / 2
    return np.asarray((0.5 + golden * np.arange(n)) % 1.0 - 0.5)


def short_rate(rate: float) -> str:
    """A learning rate in few letters.

    >>> short_rate(2e-05), short_rate(0.00038)
    ('2e-5', '3.8e-4')
    """
    mantissa, exponent = f"{rate:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def rate_label(low: float, high: float, join: str = " - ") -> str:
    """A group of learning rates as text: one, or from one to another."""
    return short_rate(low) if low == high else f"{short_rate(low)}{join}{short_rate(high)}"
