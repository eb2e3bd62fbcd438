"""A study's folder that is away for a while, and a disk that is full."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tune_stability import load_results

pytestmark = pytest.mark.slow


def test_a_shared_folder_that_is_away_for_a_while_is_waited_for(cluster, searches, folder) -> None:
    cluster.add_node()
    study = searches.start(cluster)
    searches.wait_for_trials(study, 5)
    away = folder / "away"
    study.folder.rename(away)
    time.sleep(8)
    assert searches.last.poll() is None, searches.said(study)
    assert not study.folder.exists(), "a worker made the folder anew"
    away.rename(study.folder)
    searches.finish(study)
    searches.check(study)
    (waited, *_) = [event for event in study.log() if event["event"] == "store_away" and "worker" in event]
    assert "is away, waiting for up to 600 s" in waited["message"]


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 600 kB."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_stops_the_search_and_loses_nothing(cluster, searches, small_disk) -> None:
    cluster.add_node()
    study = searches.start(cluster, name="disk/study")
    assert searches.end(study) == 2, searches.said(study)
    said = searches.said(study)
    assert "No space left on device" in said
    assert "Traceback" not in said
    stored = len(load_results(study.folder))
    assert 0 < stored < study.num_trials
    assert not list(study.folder.rglob(".*.tmp"))
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    searches.start(cluster, name="disk/study")
    searches.finish(study)
    searches.check(study)
