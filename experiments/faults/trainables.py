"""The analytic trainable, taking its time, and with the faults that a trial may have of its own."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from tune_stability.training.analytic import run_trial as analytic
from tune_stability.trials import TrialConfig, TrialResult

# Where it is marked which trial has had its fault; each has it once. Without a folder no faults, and no waits.
FOLDER = "TUNE_STABILITY_FAULTS"
TRIAL_SECONDS = 0.3
HELD = "held"
"""While the folder of marks has a folder of this name, each worker that waits in a trial is a file of it."""


def run_trial(config: TrialConfig) -> TrialResult:
    """As the analytic trainable, after a while, so that a kill finds trials in flight."""
    if FOLDER in os.environ:
        time.sleep(TRIAL_SECONDS)
        _wait_while_held(Path(os.environ[FOLDER]) / HELD)
    return analytic(config)


def raising(config: TrialConfig) -> TrialResult:
    """One trial in eight raises, the first time."""
    if _first_time(config):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    return run_trial(config)


def hanging(config: TrialConfig) -> TrialResult:
    """One trial in eight hangs, the first time."""
    if _first_time(config):
        time.sleep(3600)
    return run_trial(config)


def hoarding(config: TrialConfig) -> TrialResult:
    """One trial in eight takes memory until it is killed or refused, the first time."""
    if _first_time(config):
        hoard = []
        while True:
            hoard.append(bytearray(os.urandom(1 << 20)) * 64)
            time.sleep(0.01)
    return run_trial(config)


def _wait_while_held(held: Path) -> None:
    while held.is_dir():
        with suppress(FileNotFoundError):
            (held / str(os.getpid())).touch()
        time.sleep(0.05)


def _first_time(config: TrialConfig) -> bool:
    if FOLDER not in os.environ or int(config.trial_id, 16) % 8:
        return False
    try:
        (Path(os.environ[FOLDER]) / config.trial_id).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
