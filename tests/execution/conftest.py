from __future__ import annotations

import importlib
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tune_stability.recipes import DEVLIN, STABLE
from tune_stability.sampling.enumeration import enumerate_trials
from tune_stability.spaces import get_space
from tune_stability.store import Location, locate, open_study
from tune_stability.studies import StudySpec
from tune_stability.trials import TrialConfig

ANALYTIC = "tune_stability.training.analytic:run_trial"
_numbers = itertools.count()

_CLUSTER = """
import sys, ray
started = ray.init(num_cpus=2, num_gpus=0, object_store_memory=10**8, include_dashboard=False, log_to_driver=False)
print(started.address_info["gcs_address"], flush=True)
sys.stdin.read()  # ends when the tests close it, or die
ray.shutdown()
"""


@pytest.fixture(scope="session")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where modules lie that this process and the workers of `cluster` can import."""
    return tmp_path_factory.mktemp("modules")


@pytest.fixture(scope="session")
def cluster(module_folder: Path) -> Iterator[str]:
    """The address of a Ray cluster of two cores that lives as long as the tests."""
    from ray._raylet import Config

    with pytest.MonkeyPatch.context() as patch:
        # Recent versions of Ray protect a cluster by a token, which is used for a given address only if asked for.
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        patch.setenv("PYTHONPATH", str(module_folder))
        Config.initialize("")
        yield from _running_cluster()


def _running_cluster() -> Iterator[str]:
    command = [sys.executable, "-c", _CLUSTER]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, text=True) as head:
        assert head.stdin is not None
        assert head.stdout is not None
        address = head.stdout.readline().strip()
        assert address, "Ray did not start"
        yield address
        head.stdin.close()
        head.wait(timeout=60)


@pytest.fixture
def make_trainable(tmp_path: Path, module_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes a trainable with this body, which may use `config`, `analytic(config)` and `folder`; returns its name."""
    monkeypatch.syspath_prepend(str(module_folder))

    def make(body: str) -> str:
        name = f"trainable_of_test_{next(_numbers)}"
        lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
        text = (
            "import math, os, pathlib, signal, dataclasses\n"
            "from tune_stability.training.analytic import run_trial as analytic\n"
            f"folder = pathlib.Path({str(tmp_path)!r})\n"
            f"def run_trial(config):\n{lines}"
        )
        (module_folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return f"{name}:run_trial"

    return make


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., tuple[Location, list[TrialConfig]]]:
    """Starts a study in a folder of that name; its place and its trials, 2 recipes by `num_configs` by 1 seed."""

    def make(
        name: str = "study", trainable: str = ANALYTIC, num_configs: int = 3, num_seeds: int = 1
    ) -> tuple[Location, list[TrialConfig]]:
        spec = StudySpec(
            name="s",
            model="analytic/x",
            model_revision="",
            task="none",
            task_fingerprint="",
            trainable=trainable,
            space=get_space("wide", 2e-5),
            recipes=(DEVLIN, STABLE),
            reference_learning_rate=2e-5,
            sampler="sobol",
            design_seed=0,
            num_configs=num_configs,
            num_seeds=num_seeds,
        )
        place = locate(tmp_path / name)
        open_study(place, spec)
        return place, enumerate_trials(spec)

    return make
