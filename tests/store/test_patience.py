from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tune_stability.errors import UserError
from tune_stability.store import Location, load_results, patience, stored_ids
from tune_stability.store.patience import READ_SECONDS, WRITE_SECONDS, RootMissingError, is_away, one_line, patiently


@dataclass
class Clock:
    """Time passes only by sleeping, and `events` happen at their second."""

    now: float = 0.0
    sleeps: list[float] = field(default_factory=list)
    events: dict[float, Callable[[], object]] = field(default_factory=dict)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)
        for moment in [moment for moment in self.events if moment <= self.now]:
            self.events.pop(moment)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "time", made)
    return made


def aws(code: str) -> OSError:
    return OSError(f"When uploading object with key 'k' in bucket 'b': AWS Error {code} during PutObject operation: no")


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (aws("NETWORK_CONNECTION"), True),
        (aws("SLOW_DOWN"), True),
        (aws("INTERNAL_FAILURE"), True),
        (aws("SERVICE_UNAVAILABLE"), True),
        (aws("UNKNOWN (HTTP status 500)"), True),
        (aws("UNKNOWN (HTTP status 503)"), True),
        (aws("UNKNOWN (HTTP status 429)"), True),
        (aws("UNKNOWN (HTTP status 507)"), False),
        (aws("UNKNOWN (HTTP status 400)"), False),
        (aws("ACCESS_DENIED"), False),
        (aws("NO_SUCH_BUCKET"), False),
        (aws("INVALID_ACCESS_KEY_ID"), False),
        (aws("SIGNATURE_DOES_NOT_MATCH"), False),
        (OSError("google::cloud::Status(UNAVAILABLE: Retry policy exhausted)"), True),
        (OSError("google::cloud::Status(PERMISSION_DENIED: no)"), False),
        (OSError(errno.EIO, "Input/output error"), True),
        (OSError(errno.ESTALE, "Stale file handle"), True),
        (OSError(errno.ENOTCONN, "Transport endpoint is not connected"), True),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), True),
        (OSError(errno.EHOSTDOWN, "Host is down"), True),
        (RootMissingError(errno.ENOENT, "gone"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), False),
        (OSError(errno.EROFS, "Read-only file system"), False),
        (OSError(errno.EACCES, "AWS Error SLOW_DOWN in a name"), False),
        (FileNotFoundError(errno.ENOENT, "no such file"), False),
        (OSError(""), False),
    ],
)
def test_what_passes_by_waiting(error: Exception, away: bool) -> None:
    assert is_away(error) == away


def failing(clock: Clock, until: float, error: Exception) -> Callable[[], str]:
    def operation() -> str:
        if clock.now < until:
            raise error
        return "done"

    return operation


def test_it_waits_longer_each_time_and_says_so_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tune_stability.store.patience")
    assert patiently(failing(clock, 100, aws("SLOW_DOWN")), 600, "s3://b/s") == "done"
    assert 0.25 <= clock.sleeps[0] <= 0.5
    assert 4 <= clock.sleeps[4] <= 8
    assert max(clock.sleeps) <= 20
    assert len(clock.sleeps) < 20
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages[0].startswith("s3://b/s is away, waiting for up to 600 s: When uploading object")
    assert caplog.messages[1] == "s3://b/s answers again"


def test_it_gives_up_with_the_last_error(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OSError, match="SLOW_DOWN"):
        patiently(failing(clock, 1e9, aws("SLOW_DOWN")), 60, "s3://b/s")
    assert 40 < clock.now <= 60
    # What gave up once warns again the next time.
    with pytest.raises(OSError, match="SLOW_DOWN"):
        patiently(failing(clock, 1e9, aws("SLOW_DOWN")), 60, "s3://b/s")
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_an_error_for_good_is_raised_at_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OSError, match="ACCESS_DENIED"):
        patiently(failing(clock, 1e9, aws("ACCESS_DENIED")), 60, "s3://b/s")
    assert clock.sleeps == []
    assert caplog.records == []


def test_no_secret_of_a_url_is_logged(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    error = OSError(errno.ETIMEDOUT, "http://AKIAX:se/cret@proxy:80 timed out")
    patiently(failing(clock, 1, error), 60, "s3://b/s")
    assert "cret" not in caplog.text
    assert "http://proxy:80 timed out" in caplog.text


def test_a_write_waits_for_an_unmounted_folder(study: Location, make, clock: Clock) -> None:
    aside = f"{study.root}.aside"
    os.rename(study.root, aside)
    clock.events[300] = lambda: os.rename(aside, study.root)
    make.write(study, make.config())
    assert 300 <= clock.now < WRITE_SECONDS
    assert len(load_results(study)) == 1


def test_a_folder_that_stays_away_is_an_error_and_not_made_anew(study: Location, make, clock: Clock) -> None:
    os.rename(study.root, f"{study.root}.aside")
    with pytest.raises(UserError, match=r"cannot write to .*the folder is gone; is it still mounted") as caught:
        make.write(study, make.config())
    assert "\n" not in str(caught.value)
    assert 500 < clock.now <= WRITE_SECONDS
    assert not os.path.exists(study.root)


def test_reading_waits_less_and_takes_no_missing_folder_for_an_empty_one(study: Location, make, clock: Clock) -> None:
    make.write(study, make.config())
    path = study.shards("trials")[0]
    os.rename(study.root, f"{study.root}.aside")
    for read in (lambda: study.shards("trials"), lambda: study.read(path)):
        before = clock.now
        with pytest.raises(UserError, match=r"cannot open .*the folder is gone"):
            read()
        assert 40 < clock.now - before <= READ_SECONDS
    # On first contact a folder without a study is no study, now.
    before = clock.now
    with pytest.raises(UserError, match="is no study"):
        stored_ids(study)
    assert clock.now == before


def test_a_file_that_cannot_be_fetched_is_not_damaged(study: Location, make, clock: Clock, monkeypatch) -> None:
    make.write(study, make.config(0))
    make.write(study, make.config(1))
    wanted = load_results(study)
    check, gone = Location._reading, [errno.EIO]

    def failing(self: Location, operation: Callable[[], object], *seconds: float) -> object:
        def failing_once() -> object:
            if gone:
                raise OSError(gone[0], "Input/output error")
            return operation()

        return check(self, failing_once, *seconds)

    monkeypatch.setattr(Location, "_reading", failing)
    with pytest.raises(UserError, match=r"cannot open .*Input/output error"):
        load_results(study)
    clock.events[clock.now + 10] = gone.clear
    assert load_results(study).equals(wanted)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("s3://key:secret@bucket/study is away", "s3://bucket/study is away"),
        ("GET https://h/b?X-Amz-Signature=abc&part=1 failed", "GET https://h/b?X-Amz-Signature=...&part=1 failed"),
        ("abfs://c/x?sv=1&sig=abc%2F", "abfs://c/x?sv=1&sig=..."),
        ("refresh_token=abc", "refresh_token=..."),
        ("curlCode: 7, no secret in it", "curlCode: 7, no secret in it"),
    ],
)
def test_what_an_error_says_has_no_secret(text: str, told: str) -> None:
    assert one_line(OSError(text)) == told
