"""Ray runs what the local executor runs, and outlives its workers. Each test starts Ray's workers, so all are slow."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from tune_stability.errors import UserError
from tune_stability.execution import Resources, get_executor
from tune_stability.sampling.sources import Batch, EnumeratedSource, TrialEnd
from tune_stability.store import Location, load_results
from tune_stability.trials import TrialConfig

pytestmark = pytest.mark.slow


def run(executor: str, place: Location, trials: list[TrialConfig], **resources: object) -> list[TrialEnd]:
    ends: list[TrialEnd] = []
    source = EnumeratedSource(trials)
    get_executor(executor, Resources(**resources)).run("s", place, source, ends.append)  # type: ignore[arg-type]
    return ends


def comparable(place: Location, table: str = "trials") -> pd.DataFrame:
    rows = load_results(place, table=table)  # type: ignore[arg-type]
    return rows.drop(columns="started_at", errors="ignore")


def test_rows_are_those_of_the_local_executor(make_study, cluster: str) -> None:
    by_ray, trials = make_study("ray", num_configs=20, num_seeds=2)
    here, _ = make_study("local", num_configs=20, num_seeds=2)
    ends = run("ray", by_ray, trials, address=cluster)
    expected = run("local", here, trials)
    brief = [sorted((e.trial_id, e.recipe, e.outcome, e.error) for e in of) for of in (ends, expected)]
    assert brief[0] == brief[1]
    for table in ("trials", "curves", "gradients"):
        pd.testing.assert_frame_equal(comparable(by_ray, table), comparable(here, table))
    assert len(comparable(here)) == 80
    # Nothing ran twice: a shard for each trial.
    assert len(list((Path(by_ray.root) / "trials").iterdir())) == 80


def test_an_exception_is_a_row_and_no_worker_dies(make_study, make_trainable, cluster: str) -> None:
    name = make_trainable(
        "(folder / f'pid-{os.getpid()}').touch()\n"
        "if config.config_index == 1:\n    raise ValueError('no luck')\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name, num_configs=6)
    ends = run("ray", place, trials, address=cluster, max_concurrent=1)
    assert Counter(end.error for end in ends) == {None: 10, "ValueError: no luck": 2}
    rows = load_results(place)
    assert set(rows.loc[rows["status"] == "error", "config_index"]) == {1}
    assert rows["error"].str.contains("Traceback").sum() == 2
    # One worker ran all of them: it is reused.
    assert len(list(Path(place.root).parent.glob("pid-*"))) == 1


@pytest.mark.parametrize("death", ["os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_trial_whose_worker_dies_once_is_run_again(make_study, make_trainable, cluster: str, death: str) -> None:
    name = make_trainable(
        "mark = folder / f'died-{config.trial_id}'\n"
        "if config.config_index == 1 and config.recipe == 'stable' and not mark.exists():\n"
        f"    mark.touch()\n    {death}\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name)
    ends = run("ray", place, trials, address=cluster)
    assert len(list(Path(place.root).parent.glob("died-*"))) == 1
    assert sorted(end.trial_id for end in ends) == sorted(trial.trial_id for trial in trials)
    rows = load_results(place)
    assert set(rows["status"]) == {"completed"}
    assert sorted(rows["trial_id"]) == sorted(trial.trial_id for trial in trials)


def test_a_trial_whose_worker_always_dies_ends_as_an_error_after_four_tries(
    make_study, make_trainable, cluster: str
) -> None:
    name = make_trainable(
        "if config.config_index == 1 and config.recipe == 'stable':\n"
        "    with open(folder / 'deaths', 'a') as file:\n        file.write('x')\n"
        "    os._exit(1)\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name)
    ends = run("ray", place, trials, address=cluster)
    assert (Path(place.root).parent / "deaths").read_text() == "xxxx"
    assert len(ends) == len(trials)
    rows = load_results(place)
    failed = rows[rows["status"] == "error"]
    assert list(zip(failed["config_index"], failed["recipe"], strict=True)) == [(1, "stable")]
    (error,) = failed["error"]
    assert error.startswith("the worker died 4 times while it ran this trial; the last time: ActorDiedError: ")
    assert [end.error for end in ends if end.error] == ["the worker died 4 times while it ran this trial"]


def test_a_store_that_cannot_be_written_stops_the_search_in_one_line(make_study, make_trainable, cluster: str) -> None:
    name = make_trainable(
        "if config.config_index == 2:\n"
        "    try:\n"
        "        (folder / 'study' / 'curves').rename(folder / 'aside')\n"
        "        (folder / 'study' / 'curves').touch()\n"
        "    except OSError:\n"
        "        pass\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name, num_configs=16)
    with pytest.raises(UserError) as caught:
        run("ray", place, trials, address=cluster, max_concurrent=1)
    assert str(caught.value).startswith(f"cannot write to {place.name}: ")
    assert "\n" not in str(caught.value)
    (Path(place.root) / "curves").unlink()
    rows = load_results(place)
    assert set(rows["config_index"]) == {0, 1}
    assert set(rows["status"]) == {"completed"}


def test_a_search_that_fails_does_not_wait_for_a_machine(make_study, cluster: str) -> None:
    place, trials = make_study()

    class Broken(EnumeratedSource):
        def next_batch(self) -> Batch | None:
            if self._handed:
                raise RuntimeError("no second batch")
            return super().next_batch()

    # No machine of the cluster has so many, and one might join; what has failed has no use for it.
    resources = Resources(address=cluster, cpus_per_trial=64)
    with pytest.raises(RuntimeError, match="no second batch"):
        get_executor("ray", resources).run("s", place, Broken(trials), lambda end: None)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"cpus_per_trial": 99.0}, "a trial asks for 99 CPU and 0 GPU and this machine has "),
        ({"gpus_per_trial": 64.0}, "a trial asks for 1 CPU and 64 GPU and this machine has "),
        (
            {"gpus_per_trial": 1.5},
            "--gpus-per-trial must be a share of one GPU or a whole number of them, received 1.5.",
        ),
    ],
)
def test_more_than_this_machine_has_is_refused(make_study, resources: dict, message: str) -> None:
    place, trials = make_study()
    with pytest.raises(UserError) as caught:
        run("ray", place, trials, **resources)
    assert str(caught.value).startswith(message)
    assert load_results(place).empty


@pytest.mark.parametrize(("allowed", "patience"), [(1, 0.5), (2, 60.0)])
def test_trials_run_at_once_as_many_as_allowed(
    make_study, make_trainable, cluster: str, allowed: int, patience: float
) -> None:
    # A worker may take seconds to start, so the first trial waits for a second one, until the two have met.
    name = make_trainable(
        "import time\n"
        "(folder / f'running-{config.trial_id}').touch()\n"
        f"deadline = time.monotonic() + {patience}\n"
        "while time.monotonic() < deadline and not (folder / 'met').exists():\n"
        "    if len(list(folder.glob('running-*'))) > 1:\n"
        "        (folder / 'met').touch()\n"
        "    time.sleep(0.05)\n"
        "(folder / f'most-{config.trial_id}').write_text(str(len(list(folder.glob('running-*')))))\n"
        "(folder / f'running-{config.trial_id}').unlink()\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name, num_configs=3)
    run("ray", place, trials, address=cluster, max_concurrent=allowed)
    at_once = [int(path.read_text()) for path in Path(place.root).parent.glob("most-*")]
    assert len(at_once) == 6
    assert (Path(place.root).parent / "met").exists() == (allowed == 2)
    assert max(at_once) <= allowed
