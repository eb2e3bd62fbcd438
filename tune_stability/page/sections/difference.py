"""The first screen of two studies: how far they differ."""

from __future__ import annotations

from tune_stability.page.blocks import Block, Headline, Picture, Section, Text, bold
from tune_stability.page.marks import interval_axis, interval_marks
from tune_stability.views import Difference, StudyView, study_differences
from tune_stability.views.rates import interval_table

# Studies are no arms, so their colours are none of an arm's.
_MARKS = (("#7a8794", "circle-open"), ("#4c8fbd", "diamond-open"), ("#c2410c", "diamond"))


def section(first: StudyView, second: StudyView) -> Section:
    """How far the second study differs from the first, in a sentence and a picture."""
    found = study_differences(first, second)
    if not found:
        missing = "They have no recipe in common that has design rows in both, so nothing can be compared."
        return Section("difference", "Difference", (Headline("These two studies cannot be compared."), Text(missing)))
    blocks: list[Block] = [Headline(_headline(found[-1], *_names(first, second))), _picture(found, first, second)]
    if first.spec.space.names != second.spec.space.names:
        spaces = ", ".join(first.spec.space.names), ", ".join(second.spec.space.names)
        blocks.append(
            Text(f"The spaces differ ({spaces[0]} and {spaces[1]}), so these are rates of different regions.", True)
        )
    return Section("difference", "Difference", tuple(blocks))


def _names(first: StudyView, second: StudyView) -> tuple[str, str]:
    names = first.spec.name, second.spec.name
    return names if names[0] != names[1] else (first.place, second.place)


def _headline(found: Difference, first: str, second: str) -> str:
    one = found.difference
    limits = f"[{100 * one.low:.1f}, {100 * one.high:.1f}]{'' if one.trustworthy else ' ?'}"
    points = f"{abs(100 * one.estimate):.1f} points"
    where = f"in {second} than in {first}"
    way = "larger" if one.estimate >= 0 else "smaller"
    if one.low <= 0 <= one.high:
        whether = f"Whether the {found.quantity} differs is open: {bold(f'{points} {way}')} {where}"
        return f"{whether}, but the interval {limits} holds zero."
    return f"The {found.quantity} is {bold(f'{points} {way}')} {limits} {where}."


def _picture(found: list[Difference], first: StudyView, second: StudyView) -> Picture:
    names = _names(first, second)
    quantities = [one.quantity for one in found]
    both = interval_table(
        [{"quantity": name} for name in quantities for _ in (0, 1, 2)],
        [part for one in found for part in (one.first, one.second, one.difference)],
        ["quantity"],
    )
    of = [*names, f"{names[1]} - {names[0]}"]
    both.insert(1, "study", of * len(found))
    both.insert(2, "paired", [place == 2 and one.is_paired for one in found for place in range(3)])
    data = [
        interval_marks(both[both["study"] == name], quantities, *mark, name, apart)
        for name, mark, apart in zip(of, _MARKS, (-0.22, 0.0, 0.22), strict=True)
    ]
    how = "configuration by configuration and seed by seed" if found[0].is_paired else "as independent studies"
    said = "; ".join(f"{one.quantity} {one.difference.format('points')}" for one in found)
    return Picture(
        "differences",
        f"{names[1]} against {names[0]}",
        f"Interval plot of both studies and their difference: {said}.",
        data,
        {
            "xaxis": {"title": {"text": "% of the region, or points of difference"}, "zeroline": True},
            "yaxis": interval_axis(quantities),
        },
        both,
        "trials[trials['source'] == 'design']",
        height=130 + 90 * len(found),
        note=f"95 % intervals; a ? stands over what is not trustworthy. The studies are compared {how}.",
    )
