"""Other ways to a cluster than from a machine of it: Ray Client, and as a job."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest
from cluster import RAY, SETTINGS, Cluster

from tune_stability import load_results

ANALYTIC = "tune_stability.training.analytic:run_trial"
pytestmark = pytest.mark.slow


def test_a_search_through_ray_client(cluster, searches) -> None:
    wait_until_listens(cluster.client_port)
    study = searches.start(
        cluster, address=f"ray://127.0.0.1:{cluster.client_port}", num_configs=4, trainable="raising"
    )
    searches.wait_for_words(study, "waiting for one that has")
    cluster.add_node()
    searches.finish(study)
    rows = searches.check(study)
    # What happened on the cluster is in the log that is kept here.
    happened = [event["event"] for event in study.log()]
    assert happened.count("trial_ended") == study.num_trials
    assert "machine_joined" in happened
    assert happened[-1] == "search_finished"
    assert rows["git_commit"].nunique() <= 1
    assert rows["tune_stability_version"].notna().all()


def test_a_search_as_a_job(folder) -> None:
    made = Cluster(folder)
    made.start(dashboard=True)
    try:
        made.add_node()
        wait_until_listens(made.dashboard_port)
        what = ["--trainable", ANALYTIC, "--model", "analytic/x", "--task", "none", "--num-configs", "4"]
        where = ["--address", "auto", "--out", str(folder / "study")]
        search = [sys.executable, "-m", "tune_stability.search", *what, *where]
        done = submit(made, search)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = load_results(folder / "study")
        assert len(rows) == 4 * 2 * 2
        assert set(rows["status"]) == {"completed"}
        assert "16/16 trials" in done.stdout
    finally:
        made.remove()


def submit(made: Cluster, entrypoint: list[str]) -> subprocess.CompletedProcess[str]:
    """Submit a job and follow it to its end."""
    address = f"http://127.0.0.1:{made.dashboard_port}"
    end = time.monotonic() + 60
    while True:
        done = subprocess.run(
            [str(RAY), "job", "submit", "--address", address, "--", *entrypoint],
            env=os.environ | SETTINGS,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        # The port listens before the agent that takes jobs has joined.
        if "No available agent to submit job" not in done.stderr or time.monotonic() > end:
            return done
        time.sleep(1)


def wait_until_listens(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.2)
