from __future__ import annotations

import importlib
import json
import sysconfig
from pathlib import Path

import pytest

import tune_stability
from tune_stability.execution.ray_package import code_to_send

PACKAGE = str(Path(tune_stability.__file__).parent)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with a module and a package."""
    (tmp_path / "my_module.py").write_text("def run(config): ...\n")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("")
    (tmp_path / "my_package" / "trainables.py").write_text("def run(config): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return tmp_path


@pytest.mark.parametrize(
    ("trainable", "own"),
    [
        ("tune_stability.training.fine_tuning:run_trial", None),
        ("my_module:run", "my_module.py"),
        ("my_package.trainables:run", "my_package"),
        # Installed on the workers as on this machine, or nowhere.
        ("numpy.linalg:norm", None),
        ("json:loads", None),
        ("no_such_module:run", None),
    ],
)
def test_the_package_is_sent_and_ones_own_trainable(here: Path, trainable: str, own: str | None) -> None:
    assert code_to_send(trainable) == [PACKAGE, *([] if own is None else [str(here / own)])]


def test_ones_own_code_below_the_root_of_the_installation_is_sent(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {**sysconfig.get_paths(), "data": str(here), "purelib": str(here / "lib")}
    monkeypatch.setattr(sysconfig, "get_paths", lambda: paths)
    assert code_to_send("my_module:run") == [PACKAGE, str(here / "my_module.py")]


@pytest.mark.parametrize(
    ("runtime_env", "sent"), [({"py_modules": ["s3://x.zip"]}, False), ({"working_dir": "."}, True), ({}, True)]
)
def test_a_job_that_sends_modules_itself_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, runtime_env: dict, sent: bool
) -> None:
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", json.dumps({"runtime_env": runtime_env}))
    assert code_to_send("json:loads") == ([PACKAGE] if sent else [])
