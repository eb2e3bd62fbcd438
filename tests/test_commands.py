from __future__ import annotations

import shlex

import pytest

from tune_stability.commands import report_command, rerun_command

ID = "52241eff4edb13d5d3ed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("results/lr", ID), ["results/lr", ID]),
        (("s3://bucket/a study", ID), ["s3://bucket/a study", ID]),
        (("it's; rm -rf ~", ID), ["it's; rm -rf ~", ID]),
        (("--help", ID), ["./--help", ID]),
        (("a", ID, "my glue"), ["a", ID, "--data-dir=my glue"]),
        (("a", ID, "-x"), ["a", ID, "--data-dir=-x"]),
        (("a", ID, None, "tune_stability.training.analytic:run_trial"), ["a", ID]),
        (("a", ID, None, "mine:run $(x)"), ["a", ID, "--trainable=mine:run $(x)"]),
    ],
)
def test_the_command_has_these_words_for_a_shell(arguments: tuple[str, ...], words: list[str]) -> None:
    assert shlex.split(rerun_command(*arguments)) == ["python", "-m", "tune_stability.rerun", *words]


def test_the_command_of_a_report() -> None:
    words = shlex.split(report_command(["a study", "-x"], ["majority", "margin:0.05"], ["stable", "it's"]))
    assert words[:3] == ["python", "-m", "tune_stability.report"]
    assert words[3:] == [
        "a study",
        "./-x",
        "--success-rule=majority",
        "--success-rule=margin:0.05",
        "--recipes=stable,it's",
    ]
    assert report_command(["a"], []) == "python -m tune_stability.report a"
