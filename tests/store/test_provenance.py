from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

from tune_stability.store import provenance


@pytest.fixture(autouse=True)
def forget():
    provenance.current_provenance.cache_clear()
    yield
    provenance.current_provenance.cache_clear()


def test_versions_are_those_of_the_installed_libraries() -> None:
    found = provenance.current_provenance()
    assert found.torch_version == metadata.version("torch")
    assert found.transformers_version == metadata.version("transformers")
    assert sys.version.startswith(found.python_version)


def test_outside_a_checkout_there_is_no_commit(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.current_provenance().git_commit is None


def test_the_commit_of_a_checkout(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "x"], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert provenance.current_provenance().git_commit == head


@pytest.mark.parametrize("error", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 5)])
def test_no_git_or_a_hanging_git_is_no_commit(monkeypatch, error: Exception) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert provenance.current_provenance().git_commit is None


def test_it_is_looked_up_once(monkeypatch) -> None:
    first = provenance.current_provenance()
    monkeypatch.setattr(subprocess, "run", None)
    assert provenance.current_provenance() is first


def test_a_library_that_is_not_installed_has_no_version(monkeypatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert provenance.current_provenance().transformers_version is None
