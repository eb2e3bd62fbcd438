"""The files of experiments/cluster."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cluster_files() -> Path:
    """The folder that holds them."""
    return Path(__file__).parents[2] / "experiments" / "cluster"
