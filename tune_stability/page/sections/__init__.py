"""The sections of the page, in order. Each module makes one from a `StudyView`."""

from __future__ import annotations

from collections.abc import Callable

from tune_stability.page.blocks import Section
from tune_stability.page.sections import (
    answer,
    attribution,
    basin,
    budget,
    diagnosis,
    failure_modes,
    importance,
    methods,
    region,
    scores,
)
from tune_stability.views import StudyView

SECTIONS: tuple[Callable[[StudyView], Section], ...] = (
    answer.section,
    region.section,
    basin.section,
    scores.section,
    budget.section,
    attribution.section,
    failure_modes.section,
    diagnosis.section,
    importance.section,
    methods.section,
)
