from __future__ import annotations

import io

import pytest
from rich.console import Console

from tune_stability import Hyperparameters, TrialConfig
from tune_stability.display import progress as module
from tune_stability.display.progress import Progress, duration
from tune_stability.sampling.sources import Batch, TrialEnd


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FixedSource:
    """Hands out the batches that it was given."""

    def __init__(self, *sizes: int) -> None:
        numbers = iter(range(sum(sizes)))
        self.batches = [Batch(key, tuple(trial(next(numbers)) for _ in range(size))) for key, size in enumerate(sizes)]
        self.heard: list[tuple[Batch, list[TrialEnd]]] = []
        self._left = iter(self.batches)

    def next_batch(self) -> Batch | None:
        return next(self._left, None)

    def batch_ended(self, batch: Batch, ends: list[TrialEnd]) -> None:
        self.heard.append((batch, ends))


def trial(number: int) -> TrialConfig:
    """Arms take turns; trial k has k + 1 epochs."""
    return TrialConfig(
        model="m",
        model_revision="",
        task="t",
        task_fingerprint="",
        hyperparameters=Hyperparameters(num_epochs=number + 1),
        seed=number,
        recipe=("devlin", "stable")[number % 2],
        config_index=0,
    )


def end(config: TrialConfig, outcome: str | None = "success", error: str | None = None) -> TrialEnd:
    return TrialEnd(config.trial_id, config.recipe, outcome, 1.0, error)  # type: ignore[arg-type]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module.time, "monotonic", made)
    return made


def shown(source: FixedSource, total: int, terminal: bool = False) -> tuple[Progress, io.StringIO]:
    printed = io.StringIO()
    console = Console(file=printed, width=200, force_terminal=terminal, color_system=None)
    return Progress(source, total, ["devlin", "stable"], console), printed


def line(progress: Progress) -> str:
    """What the display says, without its bar."""
    printed = io.StringIO()
    Console(file=printed, width=300).print(progress.render())
    return " ".join(printed.getvalue().replace("━", "").split())


def test_it_counts_what_runs_ends_succeeds_and_fails(clock: Clock) -> None:
    source = FixedSource(1, 1, 2)
    progress, _ = shown(source, 4)
    assert (
        line(progress) == "0/4 trials, 0 in flight, 0 errors; successes: devlin 0/0, stable 0/0; estimating time left"
    )
    first, second, third = (progress.next_batch() for _ in range(3))
    assert first is source.batches[0]
    assert progress.next_batch() is None
    # Three workers run one trial each; the fourth trial waits for its turn in a batch.
    assert "0/4 trials, 3 in flight, 0 errors" in line(progress)
    assert first is not None
    assert second is not None
    assert third is not None
    progress.trial_ended(end(first.trials[0]))
    progress.batch_ended(first, [])
    assert "1/4 trials, 2 in flight, 0 errors; successes: devlin 1/1, stable 0/0" in line(progress)
    progress.trial_ended(end(second.trials[0], "failed"))
    progress.batch_ended(second, [])
    progress.trial_ended(end(third.trials[0], None, "ValueError: no"))
    assert "3/4 trials, 1 in flight, 1 errors; successes: devlin 1/2, stable 0/1" in line(progress)
    assert (progress.ended, progress.errors) == (3, 1)
    assert source.heard == [(first, []), (second, [])]


@pytest.mark.parametrize("terminal", [True, False])
def test_an_error_is_said_at_once_with_its_brackets(clock: Clock, terminal: bool) -> None:
    source = FixedSource(3)
    progress, printed = shown(source, 3, terminal)
    with progress:
        batch = progress.next_batch()
        assert batch is not None
        progress.trial_ended(end(batch.trials[0], None, "KeyError: 'layer[3]' [bold]"))
    assert f"trial {batch.trials[0].trial_id} (devlin): KeyError: 'layer[3]' [bold]" in printed.getvalue()


def test_the_time_left_follows_the_epochs_where_they_are_known(clock: Clock) -> None:
    source = FixedSource(1, 1, 1, 1)
    progress, _ = shown(source, 4)
    progress.expect_effort([config for batch in source.batches for config in batch.trials])
    assert progress.seconds_left() is None
    for _ in range(2):
        batch = progress.next_batch()
        assert batch is not None
        progress.trial_ended(end(batch.trials[0]))
    clock.now += 30
    # 1 + 2 epochs took 30 s, so 3 + 4 take 70 s.
    assert progress.seconds_left() == pytest.approx(70)
    assert "70 s left" in line(progress)


def test_the_time_left_follows_the_trials_where_epochs_are_not_known(clock: Clock) -> None:
    source = FixedSource(1, 1, 1, 1)
    progress, _ = shown(source, 4)
    batch = progress.next_batch()
    assert batch is not None
    progress.trial_ended(end(batch.trials[0]))
    clock.now += 50
    assert progress.seconds_left() == pytest.approx(150)


def test_without_a_terminal_a_plain_line_comes_every_half_minute_and_at_the_end(clock: Clock) -> None:
    source = FixedSource(*[1] * 5)
    progress, printed = shown(source, 5)
    with progress:
        for seconds in (10, 10, 11, 10, 1):
            clock.now += seconds
            batch = progress.next_batch()
            assert batch is not None
            progress.trial_ended(end(batch.trials[0]))
            progress.batch_ended(batch, [])
    lines = printed.getvalue().splitlines()
    assert [text.split(",")[0] for text in lines] == ["3/5 trials", "5/5 trials"]
    assert lines[-1].endswith("0 s left")
    assert "━" not in printed.getvalue()
    assert "\x1b" not in printed.getvalue()


def test_on_a_terminal_the_display_is_live_and_leaves_no_line_behind() -> None:
    source = FixedSource(2)
    progress, printed = shown(source, 2, terminal=True)
    with progress:
        batch = progress.next_batch()
        assert batch is not None
        for config in batch.trials:
            progress.trial_ended(end(config))
        progress._live.refresh()
    text = printed.getvalue()
    assert "2/2 trials" in text
    assert "━" in text
    # Cleared again at the end: the cursor goes up and the line is erased.
    assert text.rstrip().endswith("\x1b[2K")


def test_the_bar_fills_with_the_share_of_trials_that_ended(clock: Clock) -> None:
    source = FixedSource(*[1] * 4)
    progress, _ = shown(source, 4)

    def filled() -> int:
        segments = Console(width=300, color_system="standard", force_terminal=True).render(progress.render())
        return sum(segment.text.count("━") for segment in segments if segment.style and not segment.style.dim)

    counts = [filled()]
    for _ in range(4):
        batch = progress.next_batch()
        assert batch is not None
        progress.trial_ended(end(batch.trials[0]))
        counts.append(filled())
    whole = counts[-1]
    assert whole > 0
    assert counts == [round(whole * share) for share in (0, 0.25, 0.5, 0.75, 1)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (89, "89 s"),
        (90, "2 min"),
        (720, "12 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (12_600, "3.5 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
