from __future__ import annotations

import numpy as np
import pytest

from tune_stability.page.sections import budget


def every_second(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 or recipe == "stable" else "u"


def test_curves_with_bands_and_open_points_beyond_them(make_trials, make_view) -> None:
    picture, table = budget.section(make_view(make_trials(every_second, n_seeds=1))).blocks
    band, solid, points = picture.data[:3]
    assert (band["fill"], band["x"]) == ("toself", [1, 2, 2, 1])
    assert solid["x"] == [1, 2]
    assert points["x"] == [1, 2, 4, 8, 16]
    assert points["y"][1] == pytest.approx(0.5 * 92 / 120, rel=1e-4)
    assert points["marker"]["symbol"] == ["circle", "circle", "circle-open", "circle-open", "circle-open"]
    assert points["text"][2:] == ["?"] * 3
    assert picture.layout["xaxis"]["ticktext"] == ["1", "2", "4", "8", "16"]
    row = table.table.set_index("recipe").loc["devlin"]
    assert row["trials for a 95 % chance of one success"].startswith("5 [")
    assert row["mean time of a trial"] == "10 seconds"
    assert row["time for them, one after another"] == "50 seconds"


def test_few_successes_have_no_band(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "s" if index == 3 and seed % 2 else "u")
    picture = budget.section(make_view(trials)).blocks[0]
    assert all("fill" not in trace for trace in picture.data)
    assert all(symbol.endswith("-open") for trace in picture.data for symbol in trace["marker"]["symbol"])


def test_no_success_takes_endless_trials(make_trials, make_view) -> None:
    table = budget.section(make_view(make_trials(lambda *_: "u"))).blocks[1].table
    assert table["trials for a 95 % chance of one success"].str.contains("no trial succeeded").all()
    assert set(table["time for them, one after another"]) == {"-"}


def test_without_scores_or_design_there_is_no_picture(make_trials, make_view) -> None:
    lost = make_trials(lambda *_: "d").assign(score=np.nan, best_score=np.nan)
    assert [block.kind for block in budget.section(make_view(lost)).blocks] == ["text", "numbers"]
    assert budget.section(make_view(make_trials(every_second), sampler="tpe")).blocks == ()
