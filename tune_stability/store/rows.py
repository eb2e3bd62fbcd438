"""The rows of a trial, as plain dicts with the columns of `schema`."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from numbers import Real
from typing import Any

from tune_stability.errors import UserError
from tune_stability.outcomes import SuccessRule, failure_mode
from tune_stability.store.provenance import Provenance
from tune_stability.trials import CONTRACT_VERSION, SEED_PARTS, TrialConfig, TrialResult


def completed_row(
    study: str, config: TrialConfig, result: TrialResult, provenance: Provenance, started_at: datetime
) -> dict[str, Any]:
    """The row of a trial that ran to its end, judged by the default rule. `study` is the study's name.

    Raises `UserError` for a `started_at` without a time zone, or a result whose numbers are none.
    """
    for name in ("score", "majority_score", "train_loss", "chance_loss", "gradient_start", "gradient_end"):
        if not isinstance(getattr(result, name), Real):
            received = repr(getattr(result, name))[:80]
            raise UserError(f"{name} of a result of {config.trainable} must be a number, received {received}.")
    succeeded = bool(SuccessRule().succeeded(result.score, result.majority_score))
    mode = failure_mode(result.train_loss, result.chance_loss, result.gradient_start, result.gradient_end, result.score)
    numbers = {
        field.name: getattr(result, field.name)
        for field in dataclasses.fields(result)
        if field.name not in ("curve", "gradients")
    }
    return {
        **_common(study, config, provenance, started_at),
        **numbers,
        "status": "completed",
        "outcome": "success" if succeeded else "failed",
        "failure_mode": None if succeeded else mode,
        "predicted_share": [float(share) for share in result.predicted_share],
    }


def error_row(
    study: str, config: TrialConfig, traceback: str, provenance: Provenance, started_at: datetime, seconds: float
) -> dict[str, Any]:
    """The row of a trial that crashed after `seconds`, with the text of its traceback and no outcome.

    Raises `UserError` for a `started_at` without a time zone.
    """
    return {
        **_common(study, config, provenance, started_at),
        "status": "error",
        "seconds": seconds,
        # A traceback may quote a path that is no valid Unicode; recording a crash must not crash.
        "error": traceback.encode("utf-8", "replace").decode("utf-8"),
    }


def curve_rows(trial_id: str, result: TrialResult) -> list[dict[str, Any]]:
    """A row for each logged step."""
    return [{"trial_id": trial_id, **dataclasses.asdict(point)} for point in result.curve]


def gradient_rows(trial_id: str, result: TrialResult) -> list[dict[str, Any]]:
    """A row for each logged step and layer group."""
    return [{"trial_id": trial_id, **dataclasses.asdict(point)} for point in result.gradients]


def _common(study: str, config: TrialConfig, provenance: Provenance, started_at: datetime) -> dict[str, Any]:
    if started_at.tzinfo is None:
        raise UserError(f"started_at needs a time zone, received {started_at}; use datetime.now(UTC).")
    labels = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name not in ("hyperparameters", "data", "checkpoint_every", "checkpoint_file")
    }
    return {
        "trial_id": config.trial_id,
        "study": study,
        **labels,
        **{part: config.seed if labels[part] is None else labels[part] for part in SEED_PARTS},
        **dataclasses.asdict(config.hyperparameters),
        "started_at": started_at,
        "contract_version": CONTRACT_VERSION,
        **dataclasses.asdict(provenance),
    }
