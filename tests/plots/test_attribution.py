from __future__ import annotations

import math

import pandas as pd
import pytest
from matplotlib.figure import Figure

from tune_stability.plots import COLLECTION, plot_attribution
from tune_stability.plots.attribution import LESS, MORE, RATE_COLOUR, REST_COLOUR, waterfall

STEPS = pd.DataFrame(
    [
        ("rate", "devlin", None, None, 0.2, 0.1, 0.3),
        ("ingredient", "num_epochs", "3", "20", 0.5, 0.4, 0.6),
        ("ingredient", "warmup_ratio", "0.0", "0.1", -0.15, -0.3, 0.0),
        ("rest", "trials that not all recipes have", None, None, 0.05, math.nan, math.nan),
        ("rate", "stable", None, None, 0.6, 0.5, 0.7),
    ],
    columns=["kind", "step", "without", "having", "estimate", "low", "high"],
)


def test_each_step_starts_where_the_last_ended() -> None:
    steps = waterfall(STEPS)
    assert [(round(step.start, 6), round(step.end, 6)) for step in steps] == [
        (0, 20),
        (20, 70),
        (70, 55),
        (55, 60),
        (0, 60),
    ]
    # The interval of a step is that of its own size.
    assert (steps[1].low, steps[1].high) == (pytest.approx(60), pytest.approx(80))
    assert [step.colour for step in steps] == [RATE_COLOUR, MORE, LESS, REST_COLOUR, RATE_COLOUR]
    assert [step.text for step in steps] == ["20.0 %", "+50.0", "-15.0", "+5.0", "60.0 %"]
    assert steps[1].label == ("num_epochs", "3", "→ 20")


def test_bars_intervals_and_labels() -> None:
    ax = Figure().subplots()
    assert plot_attribution(STEPS, ax) is ax
    assert [(round(bar.get_y(), 6), round(bar.get_height(), 6)) for bar in ax.patches] == [
        (0, 20),
        (20, 50),
        (70, -15),
        (55, 5),
        (0, 60),
    ]
    intervals = [tuple(line.get_ydata()) for line in ax.lines if line.get_marker() == "_"]
    assert [tuple(round(value, 6) for value in pair) for pair in intervals] == [(10, 30), (60, 80), (40, 70), (50, 70)]
    assert [text.get_text() for text in ax.texts] == ["20.0 %", "+50.0", "-15.0", "+5.0", "60.0 %"]
    assert ax.get_xticklabels()[1].get_text() == "num\nepochs\n3\n→ 20"
    assert ax.get_ylim()[0] == 0


def test_nothing_is_drawn_without_an_attribution(make_trials, make_view) -> None:
    assert COLLECTION["attribution"](make_view(make_trials(lambda *_: "s"))) is None
