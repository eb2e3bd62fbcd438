from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tune_stability import compare, load_results
from tune_stability.analysis import compare as compare_frames
from tune_stability.errors import UserError
from tune_stability.search import search
from tune_stability.store import read_study

ANALYTIC = ("--trainable", "tune_stability.training.analytic:run_trial", "--executor", "local", "--seeds", "2")


def study(out: Path, *options: str) -> str:
    """A study of the analytic trainable in the space lr, in which the recipes differ in bias correction and epochs."""
    app = typer.Typer()
    app.command()(search)
    ladder = ("--recipes", "devlin,devlin+correction,devlin+epochs,stable")
    given = ("--space", "lr", "--num-configs", "16", "--task", "none", *ladder, *options)
    result = CliRunner().invoke(app, [*ANALYTIC, "--out", str(out), *given])
    assert result.exit_code == 0, result.output
    return str(out)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> str:
    return study(tmp_path_factory.mktemp("first"), "--model", "analytic/a")


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> str:
    return study(tmp_path_factory.mktemp("second"), "--model", "analytic/b")


def test_numbers_are_those_of_the_tables(first: str) -> None:
    found = compare(first, baseline="devlin", treatment="stable", rule="margin:0.05")
    frame, space = load_results(first), read_study(first).space
    expected = compare_frames(frame, "devlin", "stable", space, rule=found.rule, with_region=True)
    assert found == expected
    assert str(found.rule) == "margin:0.05"


def test_the_recipes_between_attribute_the_widening(first: str) -> None:
    found = compare(first, baseline="devlin", treatment="stable")
    assert found.attribution is not None
    shares = found.attribution.shapley
    assert set(shares) == {"bias_correction", "num_epochs"}
    assert sum(one.estimate for one in shares.values()) == pytest.approx(found.difference.estimate)


def test_table_and_plain_data_have_every_number(first: str) -> None:
    found = compare(first, baseline="devlin", treatment="stable")
    table = found.to_frame().set_index(["quantity", "of"])
    assert table.index.is_unique
    assert table.loc[("widening", "stable over devlin"), "low"] == found.difference.low
    assert table.loc[("region_at_0.5", "stable"), "estimate"] == found.treatment.region.estimate  # type: ignore[union-attr]
    assert table.loc[("expected_best_of_2", "devlin"), "high"] == found.baseline.expected_best[2].high
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(plain["numbers"]) == len(table)
    assert plain["rule"] == "majority"


def test_sentences_quote_the_numbers_and_say_what_is_not_trustworthy(first: str) -> None:
    found = compare(first, baseline="devlin", treatment="stable")
    text = found.summary()
    assert found.difference.format("points") in text
    assert found.treatment.success_rate.format("percent") in text
    assert "Shapley values of the widening: bias_correction" in text
    assert found.baseline.basin is not None
    assert not found.baseline.basin.width.trustworthy
    assert "not trustworthy" in text


def test_two_models_are_compared_at_the_same_places_of_their_spaces(first: str, second: str) -> None:
    found = compare(first, baseline="stable", treatment="stable", other=second)
    assert (found.baseline.recipe, found.treatment.recipe) == ("stable (analytic/a, none)", "stable (analytic/b, none)")
    assert found.difference.n_configs == 16
    own = compare(first, baseline="devlin", treatment="stable").treatment.success_rate
    assert found.baseline.success_rate == own


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"baseline": "stable", "treatment": "stable"}, "baseline and treatment are both 'stable'"),
        ({"baseline": "devlin", "treatment": "stabel"}, "unknown recipe 'stabel'"),
        ({"baseline": "devlin", "treatment": "stable", "rule": "most"}, "unknown success rule"),
        (
            {"baseline": "devlin", "treatment": "mixout", "other": "second"},
            "no recipe 'mixout' in the study of analytic/b",
        ),
        ({"baseline": "stable", "treatment": "stable", "other": "first"}, "both arms are stable"),
        (
            {"baseline": "stable", "treatment": "stable", "other": "second", "rule": "within:0.9"},
            "best score of one study",
        ),
    ],
)
def test_bad_input_is_one_line(first: str, second: str, given: dict[str, str], words: str) -> None:
    if "other" in given:
        given = {**given, "other": {"first": first, "second": second}[given["other"]]}
    with pytest.raises(UserError, match=words) as caught:
        compare(first, **given)
    assert "\n" not in str(caught.value)


def test_other_designs_are_refused(first: str, tmp_path: Path) -> None:
    other = study(tmp_path / "study", "--model", "analytic/b", "--design-seed", "3")
    with pytest.raises(UserError, match="same design; their design_seed is 0 and 3"):
        compare(first, baseline="stable", treatment="stable", other=other)


def test_an_adaptive_search_has_no_comparison(tmp_path: Path) -> None:
    out = study(tmp_path / "study", "--model", "analytic/a", "--sampler", "tpe", "--num-configs", "2")
    with pytest.raises(UserError, match="search by tpe, which has no design rows"):
        compare(out, baseline="devlin", treatment="stable")


def test_a_boundary_search_adds_its_adaptive_rows_to_its_design_rows(tmp_path: Path) -> None:
    options = ("--model", "analytic/a", "--sampler", "boundary", "--num-configs", "64", "--recipes", "devlin,stable")
    found = compare(study(tmp_path / "study", *options), baseline="devlin", treatment="stable")
    assert found.difference.n_configs == 16
    powered = found.prediction_powered
    assert powered is not None
    assert powered.difference.n_trials == 32 + 2 * 96
    assert powered.difference.high - powered.difference.low < found.difference.high - found.difference.low
    assert powered.difference.format("points") in found.summary()
    assert ("prediction_powered_widening", "stable over devlin") in set(
        found.to_frame()[["quantity", "of"]].itertuples(index=False, name=None)
    )


def test_a_grid_that_is_not_whole_counts_as_a_random_part(tmp_path: Path) -> None:
    out = study(tmp_path / "study", "--model", "analytic/a", "--sampler", "grid", "--recipes", "devlin,stable")
    assert "successive differences" in compare(out, baseline="devlin", treatment="stable").difference.method
    spec = json.loads((tmp_path / "study" / "study.json").read_text())
    (tmp_path / "study" / "study.json").write_text(json.dumps({**spec, "num_seeds": 3}))
    assert "independent configurations" in compare(out, baseline="devlin", treatment="stable").difference.method
