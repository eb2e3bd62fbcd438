"""With what a study was run, what is missing of it, and how far its intervals can be trusted."""

from __future__ import annotations

import pandas as pd

from tune_stability.analysis import Interval
from tune_stability.axes import AnyAxis, Axis
from tune_stability.recipes import Recipe
from tune_stability.views.study_view import StudyView

_ORIGINS = (
    *("contract_version", "tune_stability_version", "git_commit"),
    *("python_version", "torch_version", "transformers_version", "device"),
)
_LONGEST_ERROR = 300


def space_table(view: StudyView) -> pd.DataFrame:
    """A row per axis of the space: `hyperparameter`, `values` and `scale`, in which they are uniform."""
    rows = [(axis.name, *_spanned(axis)) for axis in view.spec.space.axes]
    return pd.DataFrame(rows, columns=["hyperparameter", "values", "scale"])


def recipe_table(view: StudyView) -> pd.DataFrame:
    """A row per recipe: `recipe`, `source` and `differences` from its parent or from the defaults."""
    rows = [(recipe.name, recipe.source, _differences(recipe)) for recipe in view.spec.recipes]
    return pd.DataFrame(rows, columns=["recipe", "source", "differences"])


def origin_table(view: StudyView) -> pd.DataFrame:
    """A row per thing that trials ran with and its value: `what`, `value` ("not recorded" if none) and `trials`.

    The last rows say when the first and the last of them started.
    """
    rows: list[tuple[str, str, int]] = []
    for name in _ORIGINS:
        values = view.trials[name].astype("object").where(view.trials[name].notna(), "not recorded").value_counts()
        rows += [(name, str(value), int(count)) for value, count in values.items()]
    started = view.trials["started_at"].dropna()
    if not started.empty:
        rows += [(what, f"{at:%Y-%m-%d %H:%M} UTC", len(started)) for what, at in _ends(started)]
    return pd.DataFrame(rows, columns=["what", "value", "trials"])


def missing_table(view: StudyView) -> pd.DataFrame:
    """A row per recipe of the spec: `recipe`, and how many trials are `planned`, `completed`, ended in an `error`, and
    have `not run`."""
    planned = view.spec.num_configs * view.spec.trials_per_configuration
    rows = []
    for recipe in view.spec.recipes:
        statuses = view.trials.loc[view.trials["recipe"] == recipe.name, "status"]
        completed, error = ((statuses == status).sum() for status in ("completed", "error"))
        rows.append((recipe.name, planned, int(completed), int(error), max(planned - len(statuses), 0)))
    return pd.DataFrame(rows, columns=["recipe", "planned", "completed", "error", "not run"])


def error_table(view: StudyView) -> pd.DataFrame:
    """A row per kind of error, the most frequent first: the last line of its traceback as `error`, how many `trials`
    ended so, and the `trial_id` of the first."""
    rows = view.trials[view.trials["status"] == "error"]
    found = rows.assign(error=[_last_line(text) for text in rows["error"]]).groupby("error", sort=False)
    table = found["trial_id"].agg(trials="size", trial_id="first").reset_index()
    return table.sort_values("trials", ascending=False, kind="stable").reset_index(drop=True)


def distrusted_table(view: StudyView) -> pd.DataFrame:
    """A row per reason not to trust an interval: `note`, and of which `intervals`."""
    found: dict[str, list[str]] = {}
    for quantity, of, interval in _intervals(view):
        if not interval.trustworthy:
            found.setdefault(interval.note, []).append(f"{quantity.replace('_', ' ')} of {of}")
    rows = [(note, "; ".join(dict.fromkeys(of))) for note, of in found.items()]
    return pd.DataFrame(rows, columns=["note", "intervals"])


def method_table(view: StudyView) -> pd.DataFrame:
    """A row per kind of number and way of making its interval: `quantity`, `method` and `level` in (0, 1)."""
    rows = [(quantity.replace("_", " "), one.method, one.level) for quantity, _, one in _intervals(view)]
    return pd.DataFrame(rows, columns=["quantity", "method", "level"]).drop_duplicates(ignore_index=True)


def _spanned(axis: AnyAxis) -> tuple[str, str]:
    if isinstance(axis, Axis):
        return f"{axis.low:.4g} to {axis.high:.4g}", axis.scale
    return ", ".join(map(str, axis.choices)), "choices, equal shares"


def _differences(recipe: Recipe) -> str:
    changes = ", ".join(f"{name} {value}" for name, value in recipe.differences.items()) or "no difference"
    return f"{recipe.parent.name if recipe.parent else 'defaults'} with {changes}"


def _ends(started: pd.Series[pd.Timestamp]) -> list[tuple[str, pd.Timestamp]]:
    return [("first start", started.min()), ("last start", started.max())]


def _last_line(text: object) -> str:
    lines = text.strip().splitlines() if isinstance(text, str) else []
    return lines[-1].strip()[:_LONGEST_ERROR] if lines else "no traceback"


def _intervals(view: StudyView) -> list[tuple[str, str, Interval]]:
    if view.summary is None:
        return []
    found = [(quantity, arm.recipe, one) for arm in view.summary.arms for quantity, one in arm.intervals().items()]
    return found + [one for comparison in view.summary.comparisons for one in comparison.intervals()]
