"""The figures for print that a report leaves in a folder, by file name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from matplotlib.figure import Figure

from tune_stability.plots.rates import plot_rates
from tune_stability.plots.style import COLUMN_WIDTH, single
from tune_stability.views import StudyView, rate_table


def _rates(view: StudyView) -> Figure | None:
    table = rate_table(view)
    if table.empty:
        return None
    figure, ax = single(COLUMN_WIDTH, 0.7 + 0.3 * len(table))
    plot_rates(table, ax)
    return figure


COLLECTION: Mapping[str, Callable[[StudyView], Figure | None]] = MappingProxyType({"success-rates": _rates})
"""What draws each figure; it returns None if the study has nothing to show there."""
