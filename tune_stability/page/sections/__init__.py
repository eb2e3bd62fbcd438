"""The sections of the page, in order. Each module makes one from a `StudyView`."""

from __future__ import annotations

from collections.abc import Callable

from tune_stability.page.blocks import Section
from tune_stability.page.sections import answer, diagnosis, methods, region
from tune_stability.views import StudyView

SECTIONS: tuple[Callable[[StudyView], Section], ...] = (
    answer.section,
    region.section,
    diagnosis.section,
    methods.section,
)
