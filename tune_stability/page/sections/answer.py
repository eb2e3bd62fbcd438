"""The first screen: the study's question, answered."""

from __future__ import annotations

import pandas as pd

from tune_stability.analysis import Comparison, Interval
from tune_stability.outcomes import SuccessRule
from tune_stability.page.blocks import Block, Headline, Numbers, Picture, Section, Text, Tiles, bold
from tune_stability.page.labels import with_limits
from tune_stability.page.marks import arm_marks, interval_axis, interval_marks
from tune_stability.views import StudyView, rate_table, widening_table


def section(view: StudyView) -> Section:
    """The widening in a sentence, how many trials it rests on, and the success rate of each arm."""
    blocks: list[Block] = [Headline(_headline(view)), Tiles(_tiles(view))]
    if view.summary is None:
        return Section("answer", "Answer", (*blocks, Text(_without_design(view), is_warning=True)))
    blocks.append(_rates(view))
    if view.main is not None:
        blocks.append(_widenings(view))
    blocks += [Text(text, is_warning=True) for text in _warnings(view)]
    return Section("answer", "Answer", tuple(blocks))


def meaning(rule: SuccessRule, metric: str, majority: float) -> str:
    """What success means by `rule`, for a metric whose majority score is `majority`."""
    name = metric.replace("_", " ")
    at_end = f"{name} at the end of training"
    if rule.kind == "majority":
        return f"{at_end} above {majority:.3g}, that of the best constant prediction"
    if rule.kind == "margin":
        return f"{at_end} above {majority + rule.value:.3g}, {rule.value:g} over the best constant prediction"
    return (
        f"{at_end} at least {rule.value:.0%} of the way from {majority:.3g} (the best constant prediction) to the best "
        "configuration's median"
    ).replace("%", " %")


def _headline(view: StudyView) -> str:
    if view.main is not None:
        return _comparison(view.main)
    if view.summary is not None:
        arm = view.summary.arms[0]
        return f"{arm.recipe} succeeds in {bold(arm.success_rate.format('percent'))} of the region."
    return "This study has no success rate yet." if view.completed.empty else "This study has no design rows."


def _comparison(found: Comparison) -> str:
    base, other, difference = found.baseline.recipe, found.treatment.recipe, found.difference
    points = f"{abs(100 * difference.estimate):.1f} points"
    limits = f"[{100 * difference.low:.1f}, {100 * difference.high:.1f}]{'' if difference.trustworthy else ' ?'}"
    if difference.low > 0:
        return f"{other} widens the region of successful runs by {bold(points)} {limits} over {base}."
    if difference.high < 0:
        return f"{other} narrows the region of successful runs by {bold(points)} {limits} against {base}."
    way = "more" if difference.estimate >= 0 else "less"
    return (
        f"Whether {other} widens the region of successful runs is open: {bold(f'{points} {way}')} than {base}, but "
        f"the interval {limits} holds zero."
    )


def _tiles(view: StudyView) -> tuple[tuple[str, str, str], ...]:
    completed, errors = len(view.completed), int((view.trials["status"] == "error").sum())
    tiles = [
        ("trials", f"{completed:,}", f"of {view.planned:,} planned have an outcome"),
        ("missing", f"{max(view.planned - completed, 0):,}", f"{errors:,} ended in an error"),
    ]
    if view.main is not None and view.main.ratio.trustworthy:
        ratio = view.main.ratio
        tiles.append(("ratio", f"{ratio.estimate:.2f}", f"times the region, [{ratio.low:.2f}, {ratio.high:.2f}]"))
    if not view.completed.empty:
        metric = str(view.completed["metric"].iloc[0])
        majority = float(view.completed["majority_score"].astype(float).median())
        tiles.append(("success", str(view.rule), meaning(view.rule, metric, majority)))
    return tuple(tiles)


def _rates(view: StudyView) -> Picture:
    table = rate_table(view)
    marks = arm_marks(view.recipes)
    data = [
        interval_marks(table[table["recipe"] == name], [name], *marks[name], name, place)
        for place, name in enumerate(view.recipes)
    ]
    assert view.summary is not None
    said = "; ".join(f"{arm.recipe} {arm.success_rate.format('percent')}" for arm in view.summary.arms)
    return Picture(
        "rates",
        "Success rate of the region",
        f"Interval plot of the success rate of each recipe: {said}.",
        data,
        {
            "xaxis": {"title": {"text": "success rate, % of the region"}, "range": [-2, 102]},
            "yaxis": interval_axis(view.recipes),
            "showlegend": False,
        },
        table,
        "trials[trials['source'] == 'design'].groupby(['recipe', 'config_index'])",
        height=110 + 44 * len(view.recipes),
        note="95 % intervals over configurations and seeds, from design rows; a ? stands over what is not trustworthy.",
    )


def _widenings(view: StudyView) -> Numbers:
    table = widening_table(view)
    shown = pd.DataFrame({"recipe": table["recipe"], "over": table["baseline"]})
    note = (
        "Differences of success rates on the same configurations and seeds, with 95 % intervals; a ? ends what is not "
        "trustworthy."
    )
    if (table["rows"] != "design").any():
        shown["rows"] = table["rows"]
        note += (
            " With adaptive rows it is prediction-powered: the mean of a fitted surface, corrected by the design rows."
        )
    if (table["epochs"] != "all").any():
        shown["epochs"] = table["epochs"]
    shown["widening, points"] = [
        with_limits(100 * row["estimate"], 100 * row["low"], 100 * row["high"], row["trustworthy"], digits=1)
        for row in table.to_dict("records")
    ]
    return Numbers("Widening", shown, note)


def _warnings(view: StudyView) -> list[str]:
    assert view.summary is not None
    named: list[tuple[str, Interval]] = []
    named += [(f"success rate of {arm.recipe}", arm.success_rate) for arm in view.summary.arms]
    named += [(f"widening of {one.treatment.recipe}", one.difference) for one in view.summary.comparisons]
    return list(dict.fromkeys(f"{what}: {one.note}" for what, one in named if one.note and not one.trustworthy))


def _without_design(view: StudyView) -> str:
    if view.completed.empty:
        return "No trial has an outcome yet."
    return (
        f"The sampler {view.spec.sampler} went where results looked good, so its rows say nothing about the success "
        "rate of the region. For that, run the sampler sobol."
    )
