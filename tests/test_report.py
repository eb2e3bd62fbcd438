from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from tune_stability import compare
from tune_stability.outcomes import SuccessRule
from tune_stability.report import report
from tune_stability.reporting import study_views
from tune_stability.search import search

ANALYTIC = ("--trainable", "tune_stability.training.analytic:run_trial", "--executor", "local", "--seeds", "2")


def study(out: Path, *options: str) -> Path:
    app = typer.Typer()
    app.command()(search)
    given = ("--space", "lr", "--num-configs", "16", "--task", "none", *options)
    result = CliRunner().invoke(app, [*ANALYTIC, "--out", str(out), *given])
    assert result.exit_code == 0, result.output
    return out


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(report)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("a") / "first", "--model", "analytic/a")


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("b") / "second", "--model", "analytic/b")


def test_a_page_and_figures_lie_beside_the_rows(first: Path) -> None:
    result = run(first)
    assert result.exit_code == 0, result.output
    assert str(first / "report.html") in result.output
    points = 100 * compare(first, baseline="devlin", treatment="stable").difference.estimate
    assert f"{abs(points):.1f} points" in (first / "report.html").read_text()
    kinds = {path.suffix: path.read_bytes()[:4] for path in (first / "figures").iterdir()}
    assert kinds == {".pdf": b"%PDF", ".png": b"\x89PNG"}
    # Drawn again, the same figure is the same file, and no row is touched.
    before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    assert run(first).exit_code == 0
    assert {path: path.read_bytes() for path in first.rglob("*") if path.is_file()} == before


def test_rules_and_baseline_are_chosen(first: Path, tmp_path: Path) -> None:
    result = run(first, "--success-rule", "margin:0.1", "--recipes", "stable,devlin", "--out", tmp_path / "elsewhere")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "elsewhere" / "report.html").read_text()
    assert 'value="margin:0.1" checked' in page
    assert 'value="majority"' not in page
    assert "region of successful runs" in page
    assert "over stable" in page or "than stable" in page or "against stable" in page


def test_two_studies_make_a_page_of_their_own(first: Path, second: Path) -> None:
    result = run(first, second)
    assert result.exit_code == 0, result.output
    page = (first / "report-with-second.html").read_text()
    assert "in second than in first" in page
    assert not (second / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        (["FIRST", "--success-rule", "best"], "unknown success rule 'best'"),
        (["FIRST", "--recipes", "mixout"], "has no recipe 'mixout'"),
        (["FIRST", "nowhere"], "nowhere"),
        (["FIRST", "--watch", "--every", "0"], "--every takes one second or more"),
        (["FIRST", "--out", "FILE/x"], "cannot write"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, said, first: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    named = {"FIRST": str(first), "FILE/x": str(tmp_path / "file" / "x")}
    result = run(*(named.get(one, one) for one in arguments))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_study_without_a_row_is_no_page(first: Path, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_bytes((first / "study.json").read_bytes())
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "has no trial yet" in result.stderr


def test_the_watched_page_comes_again_until_the_study_is_whole(first: Path, tmp_path: Path, monkeypatch) -> None:
    """Rows come in while the watcher sleeps: first the spec, then part of the rows, then nothing, then the rest."""
    pages = []
    shards = sorted((first / "trials").iterdir())
    assert len(shards) == 1

    def look(seconds: float) -> None:
        page = tmp_path / "report.html"
        pages.append(page.read_text() if page.exists() else None)
        step = len(pages)
        if step == 1:
            (tmp_path / "study.json").write_bytes((first / "study.json").read_bytes())
        if step == 2:
            part(shards[0], tmp_path / "trials", 30)
        if step == 4:
            part(shards[0], tmp_path / "trials", 64)
        assert step < 6

    monkeypatch.setattr("tune_stability.watching.time.sleep", look)
    result = run(tmp_path, "--watch", "--every", "2")
    assert result.exit_code == 0, result.output
    assert "waiting for a study" in result.output
    assert [page is None for page in pages] == [True, True, False, False]
    assert pages[2] == pages[3]
    assert "30</dd><dd>of 64 planned" in pages[2].replace("\n", "").replace("      ", "")
    assert '"reloadSeconds":2' in pages[2]
    assert '"reloadSeconds":0' in (tmp_path / "report.html").read_text()


def test_both_of_two_studies_are_watched(first: Path, second: Path, tmp_path: Path, monkeypatch) -> None:
    """The first is whole from the start; of the second, first part of the rows come, then the rest."""
    shards = sorted((second / "trials").iterdir())
    looks = []

    def look(seconds: float) -> None:
        looks.append((tmp_path / "page" / "report-with-second.html").exists())
        if len(looks) == 1:
            (tmp_path / "second").mkdir()
            (tmp_path / "second" / "study.json").write_bytes((second / "study.json").read_bytes())
            part(shards[0], tmp_path / "second" / "trials", 30)
        if len(looks) == 2:
            part(shards[0], tmp_path / "second" / "trials", 64)
        assert len(looks) < 4

    monkeypatch.setattr("tune_stability.watching.time.sleep", look)
    rule = ("--success-rule", "majority")
    result = run(first, tmp_path / "second", "--watch", "--out", tmp_path / "page", *rule)
    assert result.exit_code == 0, result.output
    assert looks == [False, True]


def test_the_last_recipe_named_is_the_treatment(tmp_path: Path) -> None:
    arms = ("devlin", "devlin+correction", "stable")
    place = str(study(tmp_path, "--model", "analytic/a", "--num-configs", "2", "--recipes", ",".join(arms)))
    orders = {
        (): arms,
        ("stable",): ("stable", "devlin", "devlin+correction"),
        ("devlin", "devlin+correction"): ("devlin", "stable", "devlin+correction"),
    }
    for named, order in orders.items():
        (view,) = study_views(place, [SuccessRule.parse("majority")], named)
        assert view.recipes == order


def part(source: Path, folder: Path, n_rows: int) -> None:
    folder.mkdir(exist_ok=True)
    rows = pq.read_table(source).slice(0, n_rows)
    pq.write_table(rows, folder / f"compacted-{n_rows:016x}.parquet")


def test_the_page_carries_every_trial_of_a_small_study(first: Path) -> None:
    run(first)
    page = (first / "report.html").read_text()
    start = page.index('id="study-data">') + len('id="study-data">')
    data = json.loads(page[start : page.index("</script>", start)])
    assert len(data["studies"][0]["trials"]["columns"]["trial_id"]) == 64
