from __future__ import annotations

import pytest
from matplotlib.colors import to_rgb

from tune_stability.plots.style import arm_styles
from tune_stability.recipes import RECIPES


def test_a_shipped_recipe_looks_the_same_whatever_it_is_shown_with() -> None:
    every = arm_styles(list(RECIPES))
    for name in RECIPES:
        assert arm_styles([name]) == {name: every[name]}
        assert arm_styles(["mine", "theirs", name, "stable"])[name] == every[name]
    assert (
        len({colour for colour, _ in every.values()}) == len({marker for _, marker in every.values()}) == len(RECIPES)
    )


def test_any_other_recipe_gets_what_is_free_by_its_place() -> None:
    styles = arm_styles(["devlin", "mine", "stable", "theirs"])
    assert list(styles) == ["devlin", "mine", "stable", "theirs"]
    assert len({colour for colour, _ in styles.values()}) == len({marker for _, marker in styles.values()}) == 4
    assert arm_styles(["devlin", "renamed", "stable"])["renamed"] == styles["mine"]


@pytest.mark.parametrize("n", [8, 11, 40, 121])
def test_no_two_recipes_of_a_picture_share_both(n: int) -> None:
    for names in ([str(k) for k in range(n)], [*RECIPES, *(str(k) for k in range(n - len(RECIPES)))]):
        styles = arm_styles(names)
        assert len(set(styles.values())) == len(names)


def test_more_recipes_than_styles_is_no_error() -> None:
    assert len(arm_styles([str(k) for k in range(130)])) == 130


def luminance(colour: str) -> float:
    """Relative luminance, Web Content Accessibility Guidelines 2.2."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("paper", ["#ffffff", "#12161b"])
def test_every_colour_is_readable_on_the_page(paper: str) -> None:
    for colour, _ in arm_styles(list(RECIPES)).values():
        light, dark = sorted((luminance(colour), luminance(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, colour
