"""Searches on a cluster of several nodes, each a process group of its own, that loses and gains some of them."""

from __future__ import annotations

import random

import pytest

pytestmark = pytest.mark.slow


def test_a_node_is_killed_and_another_joins(cluster, searches) -> None:
    cluster.add_node()
    cluster.add_node()
    searches.hold()
    study = searches.start(cluster)
    searches.hold_until(study, 2)
    cluster.kill_node(random.Random())
    cluster.add_node()
    searches.hold_until(study, 3)
    searches.let_go()
    searches.finish(study)
    searches.check(study)
    log = study.log()
    happened = [event["event"] for event in log]
    assert "machine_lost" in happened
    assert "machine_left" in happened
    assert "machine_joined" in happened
    assert happened.count("trial_ended") == study.num_trials
    # Of the node that stayed, and of the one that joined while the search ran.
    assert len(study.workers()) >= 2
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


def test_the_cluster_is_killed_and_the_search_says_so_and_goes_on_with_a_new_one(
    cluster, searches, monkeypatch
) -> None:
    # Ray gives up after 60 s by itself.
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "35")
    cluster.add_node()
    study = searches.start(cluster)
    searches.wait_for_trials(study, 5)
    cluster.kill()
    assert searches.end(study) != 0
    stored = study.num_stored()
    assert "does not answer; unless it comes back within a minute the search ends" in searches.said(study)
    cluster.start()
    cluster.add_node()
    searches.start(cluster)
    searches.finish(study)
    searches.check(study)
    assert f"{study.num_trials - stored} trials to run, {stored} already done" in searches.said(study)


def test_a_folder_that_a_worker_does_not_see_is_refused(cluster, searches, folder) -> None:
    study = searches.start(cluster, num_configs=2)
    searches.wait_for_words(study, "waiting for one that has")
    hidden = study.folder / "study.json"
    aside = folder / "aside.json"
    hidden.rename(aside)
    cluster.add_node()
    assert searches.end(study) == 2, searches.said(study)
    assert "does not find the study's folder; give as --out a URL" in searches.said(study)
    aside.rename(hidden)
    searches.start(cluster, num_configs=2)
    searches.finish(study)
    searches.check(study)


def test_four_trials_share_a_gpu(cluster, searches) -> None:
    cluster.add_node(cpus=8, gpus=1)
    searches.hold()
    study = searches.start(cluster, options=("--gpus-per-trial", "0.25"))
    searches.hold_until(study, 4)
    searches.let_go()
    searches.finish(study)
    searches.check(study)
    assert len(study.workers()) == 4
