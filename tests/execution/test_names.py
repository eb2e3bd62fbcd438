from __future__ import annotations

import subprocess
import sys

import pytest

from tune_stability.errors import UserError
from tune_stability.execution import EXECUTOR_NAMES, Resources, get_executor, load_trainable
from tune_stability.execution.local import LocalExecutor
from tune_stability.training.analytic import run_trial


def test_the_local_executor_by_name() -> None:
    assert isinstance(get_executor("local", Resources()), LocalExecutor)
    assert set(EXECUTOR_NAMES) == {"ray", "local"}


def test_an_unknown_executor_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UserError) as caught:
        get_executor("rai", Resources())
    assert str(caught.value) == "unknown executor 'rai'; did you mean 'ray'? Allowed: local, ray."


def test_the_local_executor_does_not_load_ray() -> None:
    code = (
        "import sys; from tune_stability.execution import Resources, get_executor; get_executor('local', Resources()); "
        "print('ray' in sys.modules)"
    )
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == "False"


def test_a_trainable_is_found_by_its_name() -> None:
    assert load_trainable("tune_stability.training.analytic:run_trial") is run_trial


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("tune_stability.no_such_module:run", "No module named"),
        ("tune_stability.training.analytic:run_trail", "no attribute 'run_trail'"),
        ("tune_stability.training.analytic", "no attribute ''"),
        ("", "Empty module name"),
        (":run", "Empty module name"),
        (".relative:run", "relative import"),
        ("tune_stability.training.analytic:PLATEAU", "is not a function"),
    ],
)
def test_a_trainable_that_is_none_is_refused_in_one_line(name: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        load_trainable(name)
    message = str(caught.value)
    assert f"trainable {name!r}" in message
    assert why in message
    assert message.endswith("give package.module:function.")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "why"), [("def broken(:", "SyntaxError"), ("1 / 0", "ZeroDivisionError"), ("import no_such\n", "no_such")]
)
def test_a_module_that_cannot_be_imported_is_refused_in_one_line(
    tmp_path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    (tmp_path / "module_that_breaks.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=why) as caught:
        load_trainable("module_that_breaks:run")
    assert "\n" not in str(caught.value)
