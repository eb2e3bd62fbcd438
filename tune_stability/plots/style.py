"""Colours and labels that are the same in every figure."""

from __future__ import annotations

from collections.abc import Sequence

# Okabe and Ito's palette, told apart by colour-blind readers; markers differ as well.
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SUCCESS_MAP = "cividis"


def arm_styles(recipes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The colour and the marker of each arm, by its place among `recipes`."""
    return {
        recipe: (_COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)])
        for place, recipe in enumerate(recipes)
    }
