"""The answer of a study, as tables for the terminal."""

from __future__ import annotations

import math
from numbers import Real

import pandas as pd
from rich.console import Console
from rich.table import Table

from tune_stability.analysis import ArmSummary, Basin, Comparison, Interval, Summary, Widening, judge
from tune_stability.display.tables import make_table, print_notes
from tune_stability.outcomes import SuccessRule
from tune_stability.spaces import SearchSpace


def print_summary(summary: Summary, compared: str, console: Console) -> None:
    """Per arm the success rate, basin and failure modes; per comparison the widening, whole and by epochs."""
    console.print(f"\n[bold]{compared}[/]", highlight=False)
    console.print(f"Success rule: {summary.rule}. Intervals are 95 %.", highlight=False)
    console.print(_arms(summary.arms))
    if any(arm.basin is not None for arm in summary.arms):
        console.print(_basins(summary.arms))
    if any(any(arm.failure_modes.values()) for arm in summary.arms):
        console.print(_failure_modes(summary.arms))
    if summary.comparisons:
        console.print(_widening(summary.comparisons))
    print_notes(_intervals(summary), console)


def print_best(frame: pd.DataFrame, space: SearchSpace, rule: SuccessRule, console: Console, most: int = 10) -> None:
    """The configurations in which most trials succeeded by `rule`, for a search by a sampler that looks at results."""
    table = make_table("Best configurations (adaptive rows)", *space.names, "recipe", "successes", "median score")
    completed = frame.assign(success=judge(frame, rule))[frame["status"] == "completed"]
    by = completed.groupby([*space.names, "recipe"], observed=True)
    best = by.agg(success=("success", "mean"), n=("success", "size"), score=("score", "median")).reset_index()
    for _, row in best.sort_values(["success", "score"], ascending=False).head(most).iterrows():
        values = [_value(row[name]) for name in space.names]
        table.add_row(*values, row["recipe"], f"{row['success'] * row['n']:.0f}/{row['n']}", f"{row['score']:.3f}")
    console.print(table)
    console.print(
        "These rows went where the results looked good, so they say nothing about the success rate of the region; "
        "for that, run the sampler sobol.",
        highlight=False,
    )


def _arms(arms: tuple[ArmSummary, ...]) -> Table:
    table = make_table(
        "Success rate of the region", "recipe", "success rate", "trials", "missing", "trials for one success (95 %)"
    )
    for arm in arms:
        needed = arm.trials_needed.format("plain", 0)
        table.add_row(arm.recipe, arm.success_rate.format("percent"), str(arm.n_trials), str(arm.missing), needed)
    return table


def _basins(arms: tuple[ArmSummary, ...]) -> Table:
    table = make_table(
        "Learning-rate basin: success probability at least one half (model-based)",
        *("recipe", "lower edge", "upper edge", "width in decades"),
    )
    for arm in arms:
        if arm.basin is not None:
            table.add_row(arm.recipe, *_basin(arm.basin))
    return table


def _failure_modes(arms: tuple[ArmSummary, ...]) -> Table:
    modes = [mode for mode in arms[0].failure_modes if any(arm.failure_modes.get(mode) for arm in arms)]
    table = make_table("Failed trials by failure mode", "recipe", *modes)
    for arm in arms:
        table.add_row(arm.recipe, *(str(arm.failure_modes.get(mode, 0)) for mode in modes))
    return table


def _widening(comparisons: tuple[Comparison, ...]) -> Table:
    base = comparisons[0].baseline.recipe
    table = make_table(
        f"Widening over {base} (paired)",
        *("recipe", "epochs", "success rate, %", f"{base}'s, %", "widening, points", "ratio"),
    )
    for comparison in comparisons:
        for label, widening in _parts(comparison):
            table.add_row(
                comparison.treatment.recipe,
                label,
                widening.treatment.format("percent").replace(" %", ""),
                widening.baseline.format("percent").replace(" %", ""),
                widening.difference.format("points").replace(" points", ""),
                widening.ratio.format("plain", 2),
            )
    return table


def _basin(basin: Basin) -> tuple[str, str, str]:
    width = basin.width.format("plain", 2)
    if not basin.found:
        # Without enough learning rates nobody knows whether there is one.
        edge = "unknown" if math.isnan(basin.width.estimate) else "none"
        return edge, edge, width
    lower = _rate(basin.lower) if basin.lower_inside else f"below {basin.lower.estimate:.2g}"
    upper = _rate(basin.upper) if basin.upper_inside else f"above {basin.upper.estimate:.2g}"
    return lower, upper, width


def _value(value: object) -> str:
    """A hyperparameter: numbers to three digits, switches and names as they are."""
    return str(value) if isinstance(value, bool) or not isinstance(value, Real) else f"{value:.3g}"


def _rate(edge: Interval) -> str:
    return f"{edge.estimate:.2g} [{edge.low:.2g}, {edge.high:.2g}]{'' if edge.trustworthy else ' ?'}"


def _intervals(summary: Summary) -> list[tuple[str, Interval]]:
    intervals: list[tuple[str, Interval]] = []
    for arm in summary.arms:
        intervals.append((f"success rate of {arm.recipe}", arm.success_rate))
        if arm.basin is not None:
            parts = (arm.basin.lower, arm.basin.upper, arm.basin.width)
            intervals += [(f"basin of {arm.recipe}", part) for part in parts]
    for comparison in summary.comparisons:
        for label, widening in _parts(comparison):
            where = f"{comparison.treatment.recipe} over {comparison.baseline.recipe}, epochs {label}"
            intervals += [(where, widening.difference), (where, widening.ratio)]
    return intervals


def _parts(comparison: Comparison) -> list[tuple[str, Widening]]:
    powered = comparison.prediction_powered
    return [
        ("all", comparison.widening),
        *([] if powered is None else [("all + adaptive", powered)]),
        *((str(part.band), part.widening) for part in comparison.bands),
    ]
