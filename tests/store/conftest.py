"""Small studies and trials to store."""

from __future__ import annotations

import datetime
import json
import socket
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tune_stability import Hyperparameters, TrialConfig, TrialResult
from tune_stability.recipes import DEVLIN, STABLE
from tune_stability.spaces import get_space
from tune_stability.store import (
    Location,
    Provenance,
    completed_row,
    curve_rows,
    error_row,
    gradient_rows,
    locate,
    open_study,
    write_trial,
)
from tune_stability.studies import StudySpec
from tune_stability.trials import CurvePoint, GradientPoint

START = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
PROVENANCE = Provenance(
    tune_stability_version="0.1.0",
    python_version="3.11.7",
    torch_version="2.9.0",
    transformers_version=None,
    git_commit=None,
)
CURVE = (CurvePoint(1, 0.7, 1e-5), CurvePoint(2, 0.5, 2e-5, 0.4))
GRADIENTS = (GradientPoint(1, "lower", 2.0), GradientPoint(1, "upper", 1.0))


@dataclass
class Maker:
    """Makes configs, results and rows, and writes whole trials."""

    def spec(self, **changes: object) -> StudySpec:
        fields = {
            "name": "first",
            "model": "tiny",
            "model_revision": "r1",
            "task": "grammar",
            "task_fingerprint": "f1",
            "trainable": "package.module:function",
            "space": get_space("wide", 2e-5),
            "recipes": (DEVLIN, STABLE),
            "reference_learning_rate": 2e-5,
            "sampler": "sobol",
            "design_seed": 0,
            "num_configs": 8,
            "num_seeds": 2,
        }
        return StudySpec(**{**fields, **changes})  # type: ignore[arg-type]

    def config(self, seed: int = 0, **changes: object) -> TrialConfig:
        fields = {
            "model": "tiny",
            "model_revision": "r1",
            "task": "grammar",
            "task_fingerprint": "f1",
            "hyperparameters": Hyperparameters(),
            "seed": seed,
            "recipe": "stable",
            "config_index": 0,
        }
        return TrialConfig(**{**fields, **changes})  # type: ignore[arg-type]

    def result(self, **changes: object) -> TrialResult:
        fields = {
            "metric": "mcc",
            "score": 0.4,
            "majority_score": 0.0,
            "best_score": 0.5,
            "best_step": 2,
            "train_loss": 0.2,
            "chance_loss": 0.6,
            "predicted_share": (0.25, 0.75),
            "steps": 2,
            "seconds": 1.5,
            "device": "cpu",
            "curve": CURVE,
            "gradients": GRADIENTS,
        }
        return TrialResult(**{**fields, **changes})  # type: ignore[arg-type]

    def completed(self, config: TrialConfig, hours: float = 0, **changes: object) -> dict[str, object]:
        started = START + datetime.timedelta(hours=hours)
        return completed_row("first", config, self.result(**changes), PROVENANCE, started)

    def error(self, config: TrialConfig, hours: float = 0, traceback: str = "ValueError: no") -> dict[str, object]:
        return error_row("first", config, traceback, PROVENANCE, START + datetime.timedelta(hours=hours), 0.5)

    def write(self, place: Location, config: TrialConfig, hours: float = 0, **changes: object) -> None:
        """Store a completed trial with its curve and gradients."""
        result = self.result(**changes)
        steps = curve_rows(config.trial_id, result), gradient_rows(config.trial_id, result)
        write_trial(place, self.completed(config, hours, **changes), *steps)


@pytest.fixture
def make() -> Maker:
    return Maker()


@dataclass
class S3:
    """A bucket of a server of the S3 protocol on loopback, which fails as it is told to."""

    endpoint: str
    secret: str = "Nobody/May+See+This+Secret"

    @property
    def environment(self) -> dict[str, str]:
        """What reaches the bucket."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIANOBODYMAYSEE",
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def new_url(self) -> str:
        """The URL of a folder that holds nothing yet."""
        return f"s3://bucket/{uuid.uuid4().hex}"

    def faults(self, **faults: float) -> None:
        """Fail in these ways from now on, see `Faults` of the server, and count requests anew."""
        self.call("PUT", "/-/faults", json.dumps(faults).encode())

    def requests(self) -> list[tuple[str, str]]:
        """The method and the path of each request since then."""
        return [(method, path) for method, path in json.loads(self.call("GET", "/-/requests"))]

    def call(self, method: str, path: str, data: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.endpoint + path, method=method, data=data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    """The server, in a process of its own."""
    pytest.importorskip("moto", reason="the S3 server of the extra `test` is not installed")
    command = [sys.executable, str(Path(__file__).with_name("s3_server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        made = S3(server.stdout.readline().strip())
        made.call("PUT", "/bucket")
        yield made
        # It ends with its standard input, as it does if this process is killed.
        server.stdin.close()


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """The server, and the environment that reaches it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    s3_server.faults()
    yield s3_server
    s3_server.faults()


@dataclass(frozen=True)
class GoogleStorage:
    """A bucket of a server of Google Cloud Storage's protocol on loopback."""

    port: int

    def new_url(self) -> str:
        """A folder that is not there yet."""
        return f"gs://anonymous@bucket/{uuid.uuid4().hex}?scheme=http&endpoint_override=127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def gs() -> Iterator[GoogleStorage]:
    """The server, in a thread of this process."""
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason="the extra `test` is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="bucket")
    server.start()
    yield GoogleStorage(port)
    server.stop()


@pytest.fixture
def study(request: pytest.FixtureRequest, tmp_path: Path, make: Maker) -> Location:
    """An empty study: in a local folder, or where its parameter says."""
    kind = getattr(request, "param", "local")
    place = locate(tmp_path / "study" if kind == "local" else request.getfixturevalue(kind).new_url())
    open_study(place, make.spec())
    return place
