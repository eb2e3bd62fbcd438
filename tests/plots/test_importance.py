from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure

from tune_stability.plots import COLLECTION, plot_importance
from tune_stability.plots.style import arm_styles
from tune_stability.spaces import get_space

ROWS = [
    (recipe, target, name, share)
    for recipe, target, shares in (
        ("devlin", "success", (0.7, 0.3)),
        ("devlin", "score", (0.6, 0.4)),
        ("stable", "success", (0.2, 0.8)),
        ("stable", "score", (0.1, 0.9)),
    )
    for name, share in zip(("learning_rate", "num_epochs"), shares, strict=True)
]
TABLE = pd.DataFrame(ROWS, columns=["recipe", "target", "hyperparameter", "importance"])


def test_a_mark_per_arm_and_axis() -> None:
    ax = Figure().subplots()
    assert plot_importance(TABLE, ax, "success") is ax
    marks = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [list(line.get_xdata()) for line in marks] == [pytest.approx([70, 30]), pytest.approx([20, 80])]
    assert [(line.get_color(), line.get_marker()) for line in marks] == list(arm_styles(["devlin", "stable"]).values())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["learning rate", "num epochs"]
    assert ax.get_xlabel() == "importance for success, %"


def test_the_collection_shows_success_and_score(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "s" if index % 3 else "u")
    figure = COLLECTION["importance"](make_view(trials))
    assert [ax.get_xlabel() for ax in figure.axes] == ["importance for success, %", "importance for score, %"]


@pytest.mark.parametrize("case", ["all alike", "one axis", "no design"])
def test_nothing_is_drawn_where_there_is_nothing_to_attribute(case: str, make_trials, make_view) -> None:
    changed = {"no design": {"sampler": "tpe"}, "one axis": {"space": get_space("lr", 2e-5)}}.get(case, {})
    space = changed.get("space", get_space("wide", 2e-5))
    trials = make_trials(lambda recipe, index, seed: "s" if case == "all alike" or index % 2 else "u", space=space)
    if case == "all alike":
        trials["score"] = 0.5
    assert COLLECTION["importance"](make_view(trials, **changed)) is None
