"""Learning rates in groups: each by itself where they are few, else bins."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tune_stability.axes import AnyAxis, Axis

MOST_RATES = 8
"""So many different learning rates have a group each."""
BINS = 7


def group_rates(rates: ArrayLike, axis: AnyAxis) -> pd.DataFrame:
    """For each of the learning rates, of shape `(n,)`, its `group` by number, rising, and the group's `low` and `high`.

    At most `MOST_RATES` different ones are groups by themselves, whose `low` is `high`. More are put into `BINS` bins
    of equal measure on `axis`, half a decade each in the widest of the built-in spaces.

    >>> group_rates([1e-5, 1e-4, 1e-5], Axis("learning_rate", 1e-6, 1e-2, "log"))["group"].tolist()
    [0, 1, 0]
    """
    values = np.asarray(rates, float)
    distinct, codes = np.unique(values, return_inverse=True)
    if len(distinct) <= MOST_RATES:
        return pd.DataFrame({"group": codes, "low": values, "high": values})
    positions = np.array([axis.position(rate) for rate in distinct])
    bins = np.clip((BINS * positions).astype(int), 0, BINS - 1)
    if isinstance(axis, Axis):
        edges = np.array([float(axis.value(k / BINS)) for k in range(BINS + 1)])
        low, high = edges[bins], edges[bins + 1]
    else:
        low, high = (np.array([reduced(distinct[bins == one]) for one in bins]) for reduced in (np.min, np.max))
    return pd.DataFrame({"group": bins[codes], "low": low[codes], "high": high[codes]})
