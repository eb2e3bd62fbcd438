"""One CSV file, a row for each trial."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from tune_stability.studies import StudySpec


def write_csv(trials: pd.DataFrame, spec: StudySpec, path: Path) -> None:
    """Every column of `trials`; numbers with all their digits, a missing cell empty, a list of numbers as JSON."""
    flat = trials.copy()
    flat["predicted_share"] = [_json(share) for share in trials["predicted_share"]]
    flat.to_csv(path, index=False, lineterminator="\n")


def _json(share: Sequence[float] | None) -> str | None:
    return None if share is None else json.dumps([float(one) for one in share])
