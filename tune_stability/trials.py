"""The trial contract, `TrialConfig -> TrialResult`, and the id that makes a trial the same trial everywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tune_stability.data_source import DataSource
from tune_stability.hyperparameters import Hyperparameters

CONTRACT_VERSION = 1
"""Raised by one whenever a change to the training code changes any trial's result."""

FINE_TUNING = "tune_stability.training.fine_tuning:run_trial"
"""The built-in trainable."""

Source = Literal["design", "adaptive"]
SEED_PARTS = ("init_seed", "data_seed", "dropout_seed")
"""The seeds of a trial whose randomness is taken apart: of the head's initial weights, the data order, and dropout."""


class CheckpointFile(Protocol):
    """The file of one trial's checkpoint, wherever it lies."""

    def read(self) -> bytes | None:
        """What was written last, None if nothing was."""

    def write(self, data: bytes) -> None:
        """Put `data` in place as a whole."""


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """One fine-tuning run to be made.

    `recipe`, `config_index`, `source` and `replicate` are labels, `data` and the checkpoint say where things are; all
    else decides on the result. `seed` alone sets the head's initial weights, the data order and dropout, unless the
    three have seeds of their own (Dodge et al. 2020).
    """

    model: str
    model_revision: str
    task: str
    task_fingerprint: str
    hyperparameters: Hyperparameters
    seed: int
    init_seed: int | None = None
    data_seed: int | None = None
    dropout_seed: int | None = None
    trainable: str = FINE_TUNING
    recipe: str
    config_index: int
    source: Source = "design"
    replicate: int | None = None
    """Which of the design's independent scrambles the configuration comes from; None for a design without."""
    data: DataSource = field(default_factory=DataSource)
    checkpoint_every: int = 0
    """Steps from one checkpoint of the run to the next; 0 for none."""
    checkpoint_file: CheckpointFile | None = None
    """Where it is kept; the worker that runs the trial gives it."""

    @property
    def trial_id(self) -> str:
        """20 hexadecimal digits of a hash of everything that determines the result, and of nothing else."""
        determining = {
            "contract": CONTRACT_VERSION,
            "trainable": self.trainable,
            "model": self.model,
            "model_revision": self.model_revision,
            "task": self.task,
            "task_fingerprint": self.task_fingerprint,
            "hyperparameters": self.hyperparameters.differences(),
            "seed": self.seed,
            # Left out where there are none, so that ids from before there were any stay as they are.
            **{name: getattr(self, name) for name in SEED_PARTS if getattr(self, name) is not None},
        }
        text = json.dumps(determining, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class CurvePoint:
    """A logged step: mean training loss of its batch in nats, learning rate used, and validation score if evaluated."""

    step: int
    loss: float
    learning_rate: float
    score: float | None = None


@dataclass(frozen=True)
class GradientPoint:
    """The L2 norm, before clipping, of the gradient of one layer group at a logged step, and what the step changed."""

    step: int
    layer_group: str
    norm: float
    update_ratio: float = float("nan")
    """Norm of the step's change of the group's weights over the norm of the weights."""


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What a completed run showed. A score is NaN when the run diverged before it could be evaluated."""

    metric: str
    score: float
    """At the end of training, on the validation set."""
    majority_score: float
    """The best score of always predicting one class, the majority but for F1 of a minority, in the same metric."""
    best_score: float
    best_step: int
    train_loss: float
    """Mean training loss over the last epoch (or what was run of it), in nats."""
    chance_loss: float
    """Training loss of always predicting the training set's class frequencies, in nats."""
    predicted_share: tuple[float, ...]
    """Share of the validation set predicted as each class."""
    gradient_start: float = float("nan")
    """Median gradient norm of the lower layers over the first recorded steps."""
    gradient_end: float = float("nan")
    """Median gradient norm of the lower layers over the recorded steps of the second half of training."""
    steps: int
    seconds: float
    device: str
    curve: tuple[CurvePoint, ...] = field(default=(), repr=False)
    gradients: tuple[GradientPoint, ...] = field(default=(), repr=False)


Trainable = Callable[[TrialConfig], TrialResult]


class Sharing(Protocol):
    """What a trainable may have as its attribute `sharing`: a way to hand what trials share from process to process."""

    def pack(self, config: TrialConfig) -> object:
        """What the trials of this one's study share, its bulk in NumPy arrays; None if there is no need."""

    def adopt(self, packed: Any) -> None:
        """Let trials of this process use it. The arrays may be read-only and shared by all processes of the machine."""
