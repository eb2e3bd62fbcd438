"""The answer of a study, as tables for the terminal."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.table import Table

from tune_stability.analysis import ArmSummary, Basin, Comparison, Interval, Summary
from tune_stability.spaces import SearchSpace


def print_summary(summary: Summary, compared: str, console: Console) -> None:
    """Per arm the success rate, basin and failure modes; per comparison the widening, whole and by epochs."""
    console.print(f"\n[bold]{compared}[/]", highlight=False)
    console.print(f"Success rule: {summary.rule}. Intervals are 95 %.", highlight=False)
    console.print(_arms(summary.arms))
    for comparison in summary.comparisons:
        console.print(_widening(comparison))
    for note in dict.fromkeys(_notes(summary)):
        console.print(f"? {note}", style="yellow", highlight=False, markup=False)


def print_best(frame: pd.DataFrame, space: SearchSpace, console: Console, most: int = 10) -> None:
    """The configurations in which most trials succeeded, for a search by a sampler that looks at results."""
    table = Table(title="Best configurations (adaptive rows)", title_justify="left")
    for name in (*space.names, "recipe", "successes", "median score"):
        table.add_column(name, justify="left" if name == "recipe" else "right")
    completed = frame[frame["status"] == "completed"].assign(success=lambda rows: rows["outcome"] == "success")
    by = completed.groupby([*space.names, "recipe"], observed=True)
    best = by.agg(success=("success", "mean"), n=("success", "size"), score=("score", "median")).reset_index()
    for _, row in best.sort_values(["success", "score"], ascending=False).head(most).iterrows():
        values = [f"{row[name]:.3g}" for name in space.names]
        table.add_row(*values, row["recipe"], f"{row['success'] * row['n']:.0f}/{row['n']}", f"{row['score']:.3f}")
    console.print(table)
    console.print(
        "These rows went where the results looked good, so they say nothing about the success rate of the region; "
        "for that, run the sampler sobol.",
        highlight=False,
    )


def _arms(arms: tuple[ArmSummary, ...]) -> Table:
    table = Table(title="Arms", title_justify="left")
    table.add_column("recipe")
    for heading in ("success rate of the region", "learning-rate basin", "decades", "trials", "missing", "failure modes"):
        table.add_column(heading)
    for arm in arms:
        modes = ", ".join(f"{mode} {count}" for mode, count in arm.failure_modes.items() if count)
        edges, width = ("-", "-") if arm.basin is None else _basin(arm.basin)
        table.add_row(
            arm.recipe,
            arm.success_rate.format("percent"),
            edges,
            width,
            str(arm.n_trials),
            str(arm.missing),
            modes or "none",
        )
    return table


def _widening(comparison: Comparison) -> Table:
    base, treatment = comparison.baseline.recipe, comparison.treatment.recipe
    table = Table(title=f"Widening, {treatment} over {base} (paired)", title_justify="left")
    for heading in ("epochs", base, treatment, "widening", "ratio", "pairs"):
        table.add_column(heading)
    parts = [("all", comparison.widening), *((str(part.band), part.widening) for part in comparison.bands)]
    for label, widening in parts:
        table.add_row(
            label,
            widening.baseline.format("percent"),
            widening.treatment.format("percent"),
            widening.difference.format("points"),
            widening.ratio.format("plain", 2),
            str(widening.difference.n_trials),
        )
    return table


def _basin(basin: Basin) -> tuple[str, str]:
    if not basin.found:
        return "none", "0"
    lower = f"{'' if basin.lower_inside else '≤ '}{_rate(basin.lower)}"
    upper = f"{'' if basin.upper_inside else '≥ '}{_rate(basin.upper)}"
    return f"{lower} to {upper}", basin.width.format("plain", 2)


def _rate(edge: Interval) -> str:
    return f"{edge.estimate:.2g} [{edge.low:.2g}, {edge.high:.2g}]"


def _notes(summary: Summary) -> list[str]:
    intervals: list[tuple[str, Interval]] = []
    for arm in summary.arms:
        intervals.append((f"success rate of {arm.recipe}", arm.success_rate))
        if arm.basin is not None:
            intervals += [
                (f"lower edge of {arm.recipe}", arm.basin.lower),
                (f"upper edge of {arm.recipe}", arm.basin.upper),
            ]
    for comparison in summary.comparisons:
        parts = [("all", comparison.widening), *((str(part.band), part.widening) for part in comparison.bands)]
        for label, widening in parts:
            where = f"{comparison.treatment.recipe} over {comparison.baseline.recipe}, epochs {label}"
            intervals += [(f"widening, {where}", widening.difference), (f"ratio, {where}", widening.ratio)]
    return [f"{what}: {interval.note}" for what, interval in intervals if not interval.trustworthy and interval.note]
