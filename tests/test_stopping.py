"""Searches that stop when the widening's interval is narrow enough: what runs, what is stored, what is printed."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tune_stability import load_results
from tune_stability.analysis import look_level, success_arrays, widening
from tune_stability.answering import answer
from tune_stability.display.looks import look_line
from tune_stability.errors import UserError
from tune_stability.options import SearchOptions, search_options
from tune_stability.outcomes import SuccessRule
from tune_stability.running import run_search
from tune_stability.spaces import get_space
from tune_stability.stopping import looks_at, stop_rule
from tune_stability.store import read_study
from tune_stability.studies import StopRule

Search = Callable[..., str]


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    """Runs a search of `tmp_path / "study"` with these options and returns what it prints, with its answer if told."""

    def run(answered: bool = False, **changes: object) -> str:
        # Tables and picture take longer than the trials.
        monkeypatch.setattr("tune_stability.running.answer", answer if answered else lambda *_: None)
        given = {
            "space": "lr",
            "sampler": "random",
            "seeds": 1,
            "trainable": "tune_stability.training.analytic:run_trial",
            "model": "analytic/x",
            "task": "none",
            "executor": "local",
            "out": str(tmp_path / "study"),
        }
        printed = io.StringIO()
        run_search(search_options(None, {**given, **changes}), Console(file=printed, width=250), "THE SAME COMMAND")
        return printed.getvalue()

    return run


def sizes(tmp_path: Path) -> tuple[int, int, StopRule | None]:
    """Configurations that have rows, configurations in study.json, and the rule there."""
    spec = read_study(tmp_path / "study")
    return load_results(tmp_path / "study")["config_index"].nunique(), spec.num_configs, spec.stop_rule


def looks(text: str) -> list[int]:
    return [int(size) for size in re.findall(r"^look \d+ at (\d+) configurations", text, flags=re.MULTILINE)]


@pytest.mark.slow
def test_it_stops_at_the_first_look_that_is_narrow_enough_and_then_does_nothing_more(
    search: Search, tmp_path: Path
) -> None:
    text = search(answered=True, until_width="0.5", num_configs=64)
    frame = load_results(tmp_path / "study")
    # By hand, the widths at the looks.
    arms = success_arrays(frame, ("devlin", "stable"), get_space("lr", 2e-5))
    found = []
    for look, size in enumerate(looks(text), 1):
        first, second = (arms.success[name][:size] for name in ("devlin", "stable"))
        interval = widening(first, second, design="random", level=look_level(look, 64)).difference
        found.append((interval.high - interval.low, interval))
    assert len(found) > 1
    assert all(width > 0.5 for width, _ in found[:-1])
    assert found[-1][0] <= 0.5
    last = looks(text)[-1]
    assert sizes(tmp_path) == (last, last, StopRule(0.5, 64))
    # The interval under stopping is printed, with the look and its configurations.
    points = found[-1][1].format("points").replace(" points", "")
    assert re.search(rf"stable +{len(found)} +{last} +{re.escape(points)}", text)

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("*") if path.is_file()}
    again = search(answered=True, until_width="0.5", num_configs=64)
    assert "0 trials to run" in again
    assert looks(again) == [last]
    assert again[again.index("Success rule") :] == text[text.index("Success rule") :]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "study").rglob("*") if path.is_file()} == before
    # Read without the width, it is still the study that a rule stopped.
    read = search(answered=True, num_configs=8)
    assert read[read.index("Success rule") :] == text[text.index("Success rule") :]
    with pytest.raises(UserError, match=rf"has {last} configurations by --until-width 0.5, received 64 without a"):
        search(num_configs=64)


def test_a_look_at_a_sobol_design_knows_its_scrambles(search: Search, tmp_path: Path) -> None:
    text = search(sampler="sobol", until_width="1.2", num_configs=16, seeds=2)
    assert looks(text) == [16]
    spec, frame = read_study(tmp_path / "study"), load_results(tmp_path / "study")
    look = looks_at(spec, ["devlin", "stable"], frame, SuccessRule(), 1, 1.2)["stable"]
    arms = success_arrays(frame, ("devlin", "stable"), spec.space)
    assert arms.replicate is not None
    assert len(set(arms.replicate)) == 8
    first, second = arms.success["devlin"], arms.success["stable"]
    assert look.interval == widening(first, second, arms.points, "sobol", look.level, arms.replicate).difference
    assert look_line(look, "devlin", "stable", 1.2) in text


def test_it_stops_at_the_most_and_says_so_and_more_goes_on(search: Search, tmp_path: Path) -> None:
    text = search(until_width="0.05", num_configs=20)
    assert looks(text) == [16, 20]
    assert "not reached: 20 configurations are the most that may run" in text
    assert sizes(tmp_path) == (20, 20, StopRule(0.05, 20))
    more = search(until_width="0.05", num_configs=48)
    assert looks(more) == [16, 32, 48]
    assert sizes(tmp_path) == (48, 48, StopRule(0.05, 48))
    # A wider width is reached at once, and the narrower one stays on record.
    wide = search(until_width="1.9", num_configs=48)
    assert looks(wide) == [48]
    assert "not reached" not in wide
    assert sizes(tmp_path) == (48, 48, StopRule(0.05, 48))


def test_a_study_of_fixed_size_may_get_a_rule_and_more_seeds(search: Search, tmp_path: Path) -> None:
    search(num_configs=20)
    text = search(until_width="0.8", num_configs=64)
    assert looks(text)[0] == 16
    configurations = sizes(tmp_path)[1]
    text = search(until_width="0.8", num_configs=64, seeds=2)
    # It goes on where it was: the new seeds of the configurations that there are.
    assert looks(text)[0] <= configurations
    assert load_results(tmp_path / "study").groupby("config_index")["seed"].nunique().min() == 2


@pytest.mark.slow
def test_every_widening_over_the_baseline_must_be_narrow(search: Search, tmp_path: Path) -> None:
    text = search(until_width="0.5", num_configs=64, recipes="devlin,devlin+correction,stable")
    lines = [line for line in text.splitlines() if line.startswith("look ")]
    last = looks(text)[-1]
    assert sum(f"at {last} " in line for line in lines) == 2
    assert all("reached" in line for line in lines if f"at {last} " in line)
    earlier = {size: [line for line in lines if f"at {size} " in line] for size in looks(text) if size < last}
    assert earlier
    assert all(any("wanted" in line for line in of) for of in earlier.values())


def test_a_time_budget_ends_it_and_the_same_command_goes_on(search: Search, tmp_path: Path) -> None:
    text = search(until_width="0.5", num_configs=64, time_budget="0s")
    assert looks(text) == []
    assert "32 trials left; to go on: THE SAME COMMAND" in text
    whole = search(until_width="0.5", num_configs=64)
    assert looks(whole)[0] == 16
    assert "reached" in whole


def test_stopped_within_a_look_it_shows_the_look_before(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stops_once.py").write_text(
        "from tune_stability.training.analytic import run_trial as analytic\n"
        "left = [40]\n"
        "def run_trial(config):\n"
        "    left[0] -= 1\n"
        "    if not left[0]:\n        raise KeyboardInterrupt\n"
        "    return analytic(config)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    given = {"until_width": "0.05", "num_configs": 32, "trainable": "stops_once:run_trial"}
    with pytest.raises(KeyboardInterrupt):
        search(**given)
    # study.json says how far the search wanted to come; the answer is of the look that is complete.
    assert sizes(tmp_path)[1] == 32
    text = search(answered=True, num_configs=1, trainable="stops_once:run_trial")
    assert re.search(r"stable +1 +16 +", text)
    assert looks(search(**given)) == [32]
    assert len(load_results(tmp_path / "study")) == 64


def test_errors_end_it(search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaks.py").write_text(
        "from tune_stability.training.analytic import run_trial as analytic\n"
        "def run_trial(config):\n"
        "    if config.config_index % 2:\n        raise OSError('cable')\n"
        "    return analytic(config)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    text = search(until_width="1.9", num_configs=64, trainable="breaks:run_trial")
    assert looks(text) == [16]
    assert "16 trials ended in an error" in text
    assert "so many trials ended in an error that the search stops here" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"sampler": "grid"},
            "--until-width needs a design that can grow, received the sampler 'grid'; give one of sobol",
        ),
        ({"sampler": "tpe"}, "--until-width needs a design that can grow, received the sampler 'tpe'"),
        ({"recipes": "stable"}, "received 'stable' as recipes; give two"),
    ],
)
def test_where_there_is_nothing_to_narrow_it_is_refused(change: dict, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        stop_rule(SearchOptions(until_width="0.1", **change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (SearchOptions(), None),
        (SearchOptions(until_width="0.10"), StopRule(0.1, 512)),
        (SearchOptions(until_width="0.10", num_configs=96), StopRule(0.1, 96)),
    ],
)
def test_the_rule_of_the_options(options: SearchOptions, rule: StopRule | None) -> None:
    assert stop_rule(options) == rule


@pytest.mark.parametrize("text", ["0", "-0.1", "2", "nan", "inf", "narrow", "", "10%"])
def test_bad_widths_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError) as caught:
        SearchOptions(until_width=text)
    assert str(caught.value) == f"--until-width takes a width between 0 and 2, as in 0.10, received {text!r}."
