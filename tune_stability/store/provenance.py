"""With what code a trial ran."""

from __future__ import annotations

import functools
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Versions of what computes a trial. None is what is not installed, or no checkout."""

    tune_stability_version: str | None
    python_version: str
    torch_version: str | None
    transformers_version: str | None
    git_commit: str | None


@functools.cache
def current_provenance() -> Provenance:
    """The versions of this process, looked up once and without importing any library."""
    return Provenance(
        tune_stability_version=_version("tune_stability"),
        python_version=platform.python_version(),
        torch_version=_version("torch"),
        transformers_version=_version("transformers"),
        git_commit=_git_commit(),
    )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    command = ["git", "rev-parse", "--verify", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    commit = done.stdout.strip()
    return commit if done.returncode == 0 and re.fullmatch("[0-9a-f]{40,64}", commit) else None
