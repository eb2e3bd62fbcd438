"""A study in a bucket whose server fails in every way that one on a network does."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from tune_stability.errors import UserError
from tune_stability.store import TABLES, Location, compact, load_results, locate, open_study, stored_ids, write_trial

FAULTS = {
    "errors": {"errors": 0.2},
    "throttled": {"throttled": 0.2},
    "latency": {"latency": 0.02},
    "cut": {"cut": 0.2},
    "all": {"errors": 0.1, "throttled": 0.1, "cut": 0.1, "latency": 0.01},
}
SAME = ["trial_id", "status", "outcome", "score", "train_loss"]


@pytest.fixture
def bucket(s3, make) -> Location:
    """An empty study in the bucket."""
    place = locate(s3.new_url())
    open_study(place, make.spec())
    return place


def everything(study: Location) -> list[pd.DataFrame]:
    return [load_results(study, table=table) for table in TABLES]


def assert_same(one: list[pd.DataFrame], other: list[pd.DataFrame]) -> None:
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right)


def test_a_small_file_is_one_request(bucket: Location, s3, make) -> None:
    s3.faults()
    make.write(bucket, make.config())
    assert [(method, path.split("/")[3]) for method, path in s3.requests()] == [
        ("PUT", "curves"),
        ("PUT", "gradients"),
        ("PUT", "trials"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_trials_written_and_read_under_faults(study: Location, bucket: Location, s3, make, faults: dict) -> None:
    configs = [make.config(seed) for seed in range(50)]
    for config in configs:
        make.write(study, config)
    s3.faults(**faults)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda config: make.write(bucket, config), configs))
    assert_same(everything(bucket), everything(study))
    assert len(s3.requests()) > 450


@pytest.mark.slow
def test_a_store_that_is_away_for_some_seconds(bucket: Location, s3, make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tune_stability.store.patience")
    make.write(bucket, make.config(0))
    # Arrow itself tries for six seconds.
    s3.faults(away=9)
    make.write(bucket, make.config(1))
    s3.faults(away=9)
    assert load_results(bucket)["seed"].tolist() == [0, 1]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2
    assert "is away, waiting for up to 600 s" in caplog.messages[0]
    assert "AWS Error NETWORK_CONNECTION" in caplog.messages[0]


@pytest.mark.slow
def test_a_compaction_under_faults_reads_the_same_at_every_moment(bucket: Location, s3, make) -> None:
    for seed in range(6):
        make.write(bucket, make.config(seed))
    wanted = everything(bucket)
    s3.faults(errors=0.1, cut=0.1)
    compacting = threading.Thread(target=compact, args=(bucket,))
    compacting.start()
    readings = 0
    while compacting.is_alive():
        assert_same(everything(bucket), wanted)
        readings += 1
    assert readings
    assert_same(everything(bucket), wanted)
    assert [len(bucket.shards(table)) for table in TABLES] == [1, 1, 1]


@pytest.mark.slow
def test_two_writers_under_faults(bucket: Location, s3, make) -> None:
    s3.faults(errors=0.1, throttled=0.1, cut=0.1)
    configs = [make.config(seed) for seed in range(20)] * 2
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda config: make.write(bucket, config), configs))
    assert load_results(bucket)["seed"].tolist() == list(range(20))
    assert set(stored_ids(bucket).values()) == {"completed"}


def test_an_error_for_good_is_said_at_once(s3, make) -> None:
    place = Location(locate(s3.new_url()).filesystem, "nobody-has-this/study", "s3://nobody-has-this/study")
    started = time.monotonic()
    with pytest.raises(UserError, match=r"cannot write to s3://nobody-has-this/study: .*NO_SUCH_BUCKET") as caught:
        write_trial(place, make.completed(make.config()))
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIANOBODY:secret@bucket/study",
        "s3://AKIANOBODY:sec/secret@bucket/study",
        "S3://AKIANOBODY:secret@bucket/study",
        "s3://secret@bucket/study",
        "s3://bucket/study?secret_key=secret",
        "s3://bucket/study?region=x&session_token=secret",
        "abfs://container@account.dfs.core.windows.net/study?sv=2024-01-01&sig=secret",
        "gs://secret@bucket/study",
        "gs://anonymous:secret@bucket/study",
        "nonsense://user:secret@host/study",
    ],
)
def test_a_url_with_credentials_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="holds credentials, which would be printed") as caught:
        locate(url)
    assert "secret" not in str(caught.value)
    assert "AKIA" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_credential_is_taken(s3) -> None:
    place = locate(f"s3://bucket/user@host:8/study?endpoint_override={s3.endpoint.removeprefix('http://')}&scheme=http")
    assert place.root == "bucket/user@host:8/study"


def test_a_location_sent_elsewhere_holds_no_secret(s3) -> None:
    place = locate(s3.new_url())
    sent = pickle.dumps(place)
    assert s3.secret.encode() not in sent
    assert s3.environment["AWS_ACCESS_KEY_ID"].encode() not in sent
    assert pickle.loads(sent) == place


def search(out: str, executor: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    what = ["--trainable", "tune_stability.training.analytic:run_trial", "--model", "analytic/x", "--task", "none"]
    size = ["--space", "wide", "--num-configs", "6", "--seeds", "2", "--out", out, "--executor", executor]
    return subprocess.Popen(
        [sys.executable, "-m", "tune_stability.search", *what, *size],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["local", "ray"])
def test_a_search_under_faults_ends_as_one_undisturbed(s3, tmp_path: Path, executor: str) -> None:
    undisturbed = search("undisturbed", "local", tmp_path, {})
    assert undisturbed.communicate(timeout=200)[1] == ""
    out = s3.new_url()
    s3.faults(errors=0.1, throttled=0.05, cut=0.05, latency=0.005)
    disturbed = search(out, executor, tmp_path, {"RAY_DEDUP_LOGS": "0"})
    stdout, stderr = disturbed.communicate(timeout=300)
    assert disturbed.returncode == 0, stderr
    s3.faults()
    one, other = load_results(out)[SAME], load_results(tmp_path / "undisturbed")[SAME]
    assert len(one) == 24
    pd.testing.assert_frame_equal(one, other)
    # No credential appears in what is printed, logged or stored.
    place = locate(out)
    stored = [place.read(path) or b"" for table in TABLES for path in place.shards(table)]
    local = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (s3.secret, s3.environment["AWS_ACCESS_KEY_ID"]):
        assert secret not in stdout + stderr
        assert not any(secret.encode() in data for data in [place.read(place.study_file) or b"", *stored, *local])


@pytest.mark.slow
def test_a_search_refuses_a_url_with_credentials_without_repeating_them(tmp_path: Path) -> None:
    refused = search("s3://AKIANOBODY:secret@bucket/study", "local", tmp_path, {})
    stdout, stderr = refused.communicate(timeout=100)
    assert refused.returncode == 2, stderr
    assert "holds credentials" in stderr
    assert "secret@" not in stdout + stderr
    assert "AKIANOBODY" not in stdout + stderr
