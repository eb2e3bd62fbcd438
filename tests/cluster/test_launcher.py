"""The files for Ray's cluster launcher, against the schema and the checks of the Ray that is installed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

LAUNCHERS = ("aws.yaml", "gcp.yaml")

# Importing Ray takes a second, and warns of nothing here.
pytestmark = pytest.mark.slow


def prepared(config: dict[str, Any]) -> dict[str, Any]:
    """What `ray up` makes of a file before it asks the cloud."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    whole: dict[str, Any] = prepare_config(copy.deepcopy(config))
    validate_config(whole)
    return whole


@pytest.fixture(params=LAUNCHERS)
def config(request: pytest.FixtureRequest, cluster_files: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((cluster_files / request.param).read_text(encoding="utf-8"))
    return read


def test_ray_takes_the_file(config: dict[str, Any]) -> None:
    whole = prepared(config)
    assert whole["max_workers"] == 64
    assert {
        name: (kind["min_workers"], kind["max_workers"]) for name, kind in whole["available_node_types"].items()
    } == {
        "head": (0, 0),
        "gpu_worker": (0, 64),
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("idle_timeout",), 5),
        (("available_node_types", "gpu_worker", "spot"), True),
        (("available_node_types", "gpu_worker", "min_workers"), "0"),
        (("available_node_types", "gpu_worker", "min_workers"), 65),
        (("auth", "user"), "ubuntu"),
        (("worker_start_ray_commands",), "ray start"),
        (("head_node_type",), "heads"),
    ],
)
def test_a_wrong_field_would_be_noticed(config: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    part = config
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises((jsonschema.ValidationError, ValueError)):
        prepared(config)


def test_the_head_runs_no_trial_and_is_not_a_spot_machine(config: dict[str, Any]) -> None:
    head = config["available_node_types"]["head"]
    assert head["resources"] == {"CPU": 0}
    assert "InstanceMarketOptions" not in head["node_config"]
    assert "scheduling" not in head["node_config"]


def test_workers_are_spot_machines(config: dict[str, Any]) -> None:
    worker = config["available_node_types"]["gpu_worker"]["node_config"]
    if config["provider"]["type"] == "aws":
        assert worker["InstanceMarketOptions"] == {"MarketType": "spot"}
    else:
        assert worker["scheduling"]["provisioningModel"] == "SPOT"
        assert worker["scheduling"]["instanceTerminationAction"] == "DELETE"


def test_ray_opens_nothing_by_default_of_its_own(config: dict[str, Any]) -> None:
    # Where a node type names no security group or network, Ray makes or takes one that the internet reaches by SSH.
    field = {"aws": "SecurityGroupIds", "gcp": "networkInterfaces"}[config["provider"]["type"]]
    assert all(kind["node_config"][field] for kind in config["available_node_types"].values())
    assert "security_group" not in config["provider"]


def test_every_ray_starts_with_the_token(config: dict[str, Any]) -> None:
    starts = [
        command
        for commands in ("head_start_ray_commands", "worker_start_ray_commands")
        for command in config[commands]
        if "ray start" in command
    ]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token ray start" in command for command in starts)
    assert "--dashboard-host=127.0.0.1" in starts[0]
    assert config["file_mounts"]["/home/ubuntu/.ray/auth_token"] == "~/.ray/auth_token"


def test_all_machines_install_the_same_wheel_and_pins(config: dict[str, Any]) -> None:
    whole = prepared(config)
    assert whole["head_setup_commands"] == whole["worker_setup_commands"] == config["setup_commands"]
    install = next(command for command in config["setup_commands"] if "--constraint" in command)
    assert "~/tune_stability/constraints.txt" in install
    assert "~/tune_stability/dist/tune_stability-*.whl" in install
    assert config["file_mounts"]["/home/ubuntu/tune_stability/dist"] == "dist"
