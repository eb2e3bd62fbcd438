"""Searches on a cluster of several nodes, each a process group of its own, that loses and gains some of them."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time

import pytest
from cluster import RAY, SETTINGS, Cluster

from tune_stability import load_results

ANALYTIC = "tune_stability.training.analytic:run_trial"

pytestmark = pytest.mark.slow


def events(study) -> list[dict]:
    return [json.loads(line) for line in (study.folder / "search.jsonl").read_text().splitlines()]


def test_a_node_is_killed_and_another_joins(cluster, searches) -> None:
    cluster.add_node()
    cluster.add_node()
    study = searches.start(cluster, num_configs=20)
    searches.wait_for_trials(study, 10)
    cluster.kill_node(random.Random())
    searches.wait_for_trials(study, 15)
    cluster.add_node()
    searches.finish(study)
    searches.check(study)
    log = events(study)
    happened = [event["event"] for event in log]
    assert "machine_lost" in happened
    assert "machine_left" in happened
    assert "machine_joined" in happened
    assert happened.count("trial_ended") == study.num_trials
    # Workers of both nodes, and of the one that joined, have run trials.
    assert len({event["worker"] for event in log if event["event"] == "trial_ended"}) >= 2
    said = searches.said(study)
    assert "a machine was lost; " in said
    assert "Traceback" not in said


def test_a_search_waits_for_the_first_node(cluster, searches) -> None:
    study = searches.start(cluster, num_configs=3)
    searches.wait_for_words(study, "waiting for one that has")
    assert study.num_stored() == 0
    cluster.add_node()
    searches.finish(study)
    searches.check(study)


def test_more_nodes_make_more_trials_at_once(cluster, searches) -> None:
    cluster.add_node()
    study = searches.start(cluster, num_configs=25)
    searches.wait_for_trials(study, 5)
    cluster.add_node()
    searches.finish(study)
    ended = [event["worker"] for event in events(study) if event["event"] == "trial_ended"]
    assert len(set(ended[:5])) == 1
    assert len(set(ended)) == 2
    searches.check(study)


def test_the_cluster_is_killed_and_the_search_says_so_and_goes_on_with_a_new_one(cluster, searches) -> None:
    cluster.add_node()
    study = searches.start(cluster)
    searches.wait_for_trials(study, 5)
    cluster.kill()
    assert searches.last.wait(timeout=120) != 0
    stored = study.num_stored()
    assert "does not answer; unless it comes back within a minute the search ends" in searches.said(study)
    cluster.start()
    cluster.add_node()
    searches.start(cluster)
    searches.finish(study)
    searches.check(study)
    assert f"{study.num_trials - stored} trials to run, {stored} already done" in searches.said(study)


@pytest.mark.parametrize(
    ("trainable", "options", "event"),
    [
        ("raising", (), "trial_retried"),
        ("hanging", ("--trial-timeout", "2s"), "trial_retried"),
    ],
)
def test_a_trial_with_a_fault_of_its_own_is_tried_again(
    cluster, searches, trainable: str, options: tuple[str, ...], event: str
) -> None:
    cluster.add_node()
    study = searches.start(cluster, trainable=trainable, options=options)
    searches.finish(study)
    searches.check(study)
    log = events(study)
    again = {one["trial_id"] for one in log if one["event"] == event}
    assert again == {path.name for path in (study.folder.parent / "marks").iterdir()}
    assert len(again) > 1


def test_a_trial_that_takes_all_memory_costs_its_worker_and_is_tried_again(folder, searches, monkeypatch) -> None:
    # Ray kills a worker when the machine's memory is used beyond this share.
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{used_memory() + 0.06:.3f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    made = Cluster(folder)
    made.start()
    try:
        made.add_node()
        study = searches.start(made, trainable="hoarding", num_configs=5)
        searches.finish(study)
        searches.check(study)
        marks = {path.name for path in (folder / "marks").iterdir()}
        assert marks
        deaths = [event for event in events(study) if event["event"] == "worker_died"]
        # The monitor may take a second look before the memory is free again, so others may have to pay too.
        assert marks <= {event["trial_id"] for event in deaths}
        assert all("running low on memory" in event["reason"] for event in deaths)
    finally:
        made.remove()


def used_memory() -> float:
    with open("/proc/meminfo") as file:
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return 1 - sizes["MemAvailable"] / sizes["MemTotal"]


def test_a_search_through_ray_client(cluster, searches) -> None:
    cluster.add_node()
    wait_until_listens(cluster.client_port)
    study = searches.start(f"ray://127.0.0.1:{cluster.client_port}", num_configs=4, trainable="raising")
    searches.finish(study)
    rows = searches.check(study)
    # What happened on the cluster is in the log that is kept here.
    happened = [event["event"] for event in events(study)]
    assert happened.count("trial_ended") == study.num_trials
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
        search = [
            sys.executable,
            "-m",
            "tune_stability.search",
            *what,
            "--address",
            "auto",
            "--out",
            str(folder / "study"),
        ]
        address = f"http://127.0.0.1:{made.dashboard_port}"
        done = subprocess.run(
            [str(RAY), "job", "submit", "--address", address, "--", *search],
            env=os.environ | SETTINGS,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        rows = load_results(folder / "study")
        assert len(rows) == 4 * 2 * 2
        assert set(rows["status"]) == {"completed"}
        assert "16/16 trials" in done.stdout
    finally:
        made.remove()


def wait_until_listens(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.2)


def test_a_folder_that_a_worker_does_not_see_is_refused(cluster, searches, folder) -> None:
    study = searches.start(cluster, num_configs=2)
    searches.wait_for_words(study, "waiting for one that has")
    hidden = study.folder / "study.json"
    aside = folder / "aside.json"
    hidden.rename(aside)
    cluster.add_node()
    assert searches.last.wait(timeout=120) == 2, searches.said(study)
    assert "does not find the study's folder; give as --out a URL" in searches.said(study)
    aside.rename(hidden)
    searches.start(cluster, num_configs=2)
    searches.finish(study)
    searches.check(study)
