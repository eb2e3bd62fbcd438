"""Runs in DeepCAVE's own format, a folder for each arm (https://automl.github.io/DeepCAVE, "DeepCAVE (native)").

The layout is that of the run logs in DeepCAVE's repository (`logs/DeepCAVE/minimal/run_4`): meta.json, configspace.json
in format 0.4 of ConfigSpace, configs.json, origins.json, and history.jsonl with one list for each trial:
config_id, budget, seed, costs, cpu_time, start_time, end_time, status, additional.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tune_stability.axes import AnyAxis, ChoiceAxis
from tune_stability.exports.cells import Row, configuration, labels, plain, rows_of
from tune_stability.spaces import SearchSpace

if TYPE_CHECKING:
    import pandas as pd

    from tune_stability.studies import StudySpec

# `deepcave.runs.status.Status`. DeepCAVE takes no score for an answer only from a run that did not end.
_SUCCESS, _CRASHED, _ABORTED = 1, 4, 5
_BUDGET = 1.0
"""DeepCAVE wants one; every trial here has the whole of it."""


def write_deepcave(trials: pd.DataFrame, spec: StudySpec, path: Path) -> None:
    """A DeepCAVE run for each arm of `trials`, in a folder of the arm's name under `path`.

    Its objectives are the score, the success by the majority rule (0 or 1) and the seconds. What DeepCAVE calls the
    seed is the trial's place among those of its configuration, so that it can average over it; the seed itself and the
    trial id are in `additional`. Design and adaptive trials are told apart by `origin`.
    """
    path.mkdir()
    for place, (recipe, rows) in enumerate(trials.groupby("recipe", sort=False)):
        # A name from a store may be anything, and must stay in this folder.
        folder = path / (re.sub(r"[^\w.+-]", "_", str(recipe)).lstrip(".") or "arm")
        folder = folder.with_name(f"{folder.name}-{place}") if folder.exists() else folder
        _write_run(rows_of(rows), str(recipe), spec, folder)


def _write_run(rows: list[Row], recipe: str, spec: StudySpec, folder: Path) -> None:
    ids: dict[tuple[Any, ...], int] = {}
    origins: dict[int, str] = {}
    places: Counter[int] = Counter()
    begin = min(row["started_at"] for row in rows)
    history = []
    for row in rows:
        # Equal configurations, as whole numbers may be, are one to DeepCAVE.
        config_id = ids.setdefault(tuple(configuration(row, spec.space).values()), len(ids))
        origins.setdefault(config_id, row["source"])
        start = (row["started_at"] - begin).total_seconds()
        costs = _costs(row)
        end = start + float(row["seconds"])
        additional = {name: value for name, value in labels(row).items() if value is not None}
        if row["status"] == "error":
            additional["traceback"] = row["error"]
        trial = [config_id, _BUDGET, places[config_id], costs, 0.0, round(start, 2), round(end, 2), _status(row)]
        history.append([*trial, additional])
        places[config_id] += 1
    configs = {number: dict(zip(spec.space.names, values, strict=True)) for values, number in ids.items()}
    folder.mkdir()
    _write(folder / "configspace.json", _configspace(spec.space))
    _write(folder / "configs.json", configs)
    _write(folder / "origins.json", origins)
    _write(folder / "meta.json", _meta(history, recipe, spec))
    lines = [json.dumps(trial, allow_nan=False) + "\n" for trial in history]
    (folder / "history.jsonl").write_text("".join(lines), encoding="utf-8")


def _costs(row: Row) -> list[float | None]:
    if row["status"] == "error":
        return [None, None, None]
    return [plain(row["score"]), float(row["outcome"] == "success"), plain(row["seconds"])]


def _status(row: Row) -> int:
    if row["status"] == "error":
        return _CRASHED
    return _ABORTED if plain(row["score"]) is None else _SUCCESS


def _meta(history: list[list[Any]], recipe: str, spec: StudySpec) -> dict[str, Any]:
    scores, _, seconds = ([trial[3][k] for trial in history if trial[3][k] is not None] for k in range(3))
    return {
        "objectives": [
            _objective("score", scores, "upper"),
            _objective("success", [0.0, 1.0], "upper"),
            _objective("seconds", seconds, "lower"),
        ],
        "budgets": [_BUDGET],
        "seeds": sorted({trial[2] for trial in history}),
        "study": spec.name,
        "model": spec.model,
        "task": spec.task,
        "recipe": recipe,
    }


def _objective(name: str, values: list[float], optimize: str) -> dict[str, Any]:
    # Locked: they are the bounds of all there is. Where there is nothing, any bounds will do.
    bounds = {"lower": min(values, default=0.0), "upper": max(values, default=1.0)}
    return {"name": name, **bounds, "lock_lower": True, "lock_upper": True, "optimize": optimize}


def _configspace(space: SearchSpace) -> dict[str, Any]:
    return {
        "name": space.name,
        "hyperparameters": [_hyperparameter(axis) for axis in space.axes],
        "conditions": [],
        "forbiddens": [],
        "python_module_version": "1.2.0",
        "format_version": 0.4,
    }


def _hyperparameter(axis: AnyAxis) -> dict[str, Any]:
    common = {"name": axis.name, "default_value": axis.value(0.5), "meta": None}
    if isinstance(axis, ChoiceAxis):
        return {"type": "categorical", **common, "choices": list(axis.choices), "weights": None}
    kind, number = ("uniform_int", int) if axis.is_integer else ("uniform_float", float)
    bounds = {"lower": number(axis.low), "upper": number(axis.high)}
    return {"type": kind, **common, **bounds, "log": axis.scale == "log"}


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=4, allow_nan=False) + "\n", encoding="utf-8")
