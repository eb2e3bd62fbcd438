"""Trials with a fault of their own, on a cluster: they raise, hang, or take all memory, the first time."""

from __future__ import annotations

import pytest
from cluster import Cluster

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("trainable", "options", "event"),
    [
        ("raising", (), "trial_retried"),
        ("hanging", ("--trial-timeout", "5s"), "trial_retried"),
    ],
)
def test_a_trial_with_a_fault_of_its_own_is_tried_again(
    cluster, searches, trainable: str, options: tuple[str, ...], event: str
) -> None:
    cluster.add_node()
    study = searches.start(cluster, trainable=trainable, options=options)
    searches.finish(study)
    searches.check(study)
    log = study.log()
    again = {one["trial_id"] for one in log if one["event"] == event}
    assert again == {path.name for path in (study.folder.parent / "marks").iterdir()}
    assert len(again) > 1


def test_a_trial_that_takes_all_memory_costs_its_worker_and_is_tried_again(folder, searches, monkeypatch) -> None:
    # Ray kills a worker when the machine's memory is used beyond this share.
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{used_memory() + 0.1:.3f}")
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
        deaths = [event for event in study.log() if event["event"] == "worker_died"]
        # The monitor may take a second look before the memory is free again, so others may have to pay too.
        assert marks <= {event.get("trial_id") for event in deaths}
        assert all("running low on memory" in event["reason"] for event in deaths)
    finally:
        made.remove()


def used_memory() -> float:
    with open("/proc/meminfo") as file:
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return 1 - sizes["MemAvailable"] / sizes["MemTotal"]
