"""Where in the space each arm succeeds."""

from __future__ import annotations

from tune_stability.page.blocks import Section
from tune_stability.views import StudyView


def section(view: StudyView) -> Section:
    return Section("region", "Region")
