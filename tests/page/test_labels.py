from __future__ import annotations

import math

import pytest

from tune_stability.analysis import Interval
from tune_stability.page.labels import design_rows, duration, plotly_text, whole_trials, with_limits


def test_text_is_no_tag_for_plotly() -> None:
    assert plotly_text("<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt;"
    assert plotly_text("my_recipe") == "my_recipe"
    assert plotly_text("devlin+epochs", breaks=True) == "devlin+<br>epochs"
    assert plotly_text("widening of a over b", breaks=True) == "widening of<br>a<br>over b"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0.25, 0.1, 0.5, True), "0.250 [0.100, 0.500]"),
        ((0.25, 0.1, 0.5, False), "0.250 [0.100, 0.500] ?"),
        ((0.25, math.nan, math.nan, False), "0.250"),
        ((0.25, 0.1, math.inf, True), "0.250"),
        ((math.nan, 0.1, 0.5, True), "-"),
    ],
)
def test_limits(numbers: tuple[float, float, float, bool], said: str) -> None:
    assert with_limits(*numbers).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("estimate", "low", "high", "said"),
    [
        (5, 4, 7, "5 [4, 7]"),
        (57, 11, math.inf, "57 [11, more]"),
        (math.inf, 6, math.inf, "at least 6: no trial succeeded"),
        (math.nan, 1, math.inf, "-"),
    ],
)
def test_numbers_of_trials(estimate: float, low: float, high: float, said: str) -> None:
    interval = Interval(estimate, low, high, 0.95, 8, 16, 0, "")
    assert whole_trials(interval) == said
    if said != "-":
        assert whole_trials(interval.distrusted("why")) == f"{said} ?"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "-"),
        (math.nan, "-"),
        (math.inf, "-"),
        (0.123, "0.12 seconds"),
        (33.3, "33 seconds"),
        (150, "2.5 minutes"),
        (7200, "2.0 hours"),
        (259200, "3.0 days"),
    ],
)
def test_times(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(("scheme", "n"), [("single", 12), ("factorial", 6)])
def test_the_expression_gives_the_rows_that_are_counted(scheme: str, n: int, make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "e" if index == 0 else "s", n_configs=4)
    trials = trials.assign(init_seed=trials["seed"], data_seed=trials["seed"] // 2 * 2, dropout_seed=trials["seed"])
    assert len(eval(design_rows(make_view(trials, seed_scheme=scheme)), {"trials": trials})) == n
