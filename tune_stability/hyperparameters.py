"""The hyperparameters of one fine-tuning run."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from tune_stability.errors import UserError, unknown_name


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Everything a recipe pins or a search space spans.

    Names are those of `transformers.TrainingArguments` where one exists. A default is what an absent value
    means and never changes: the trial id leaves out every hyperparameter that has its default, so that adding
    one later keeps the ids of the trials already stored.

    The defaults are the common settings of Mosbach et al. (2020), section 3, for BERT.
    """

    learning_rate: float = 2e-5
    """Peak learning rate."""
    num_epochs: int = 3
    """Passes over the training set."""
    warmup_ratio: float = 0.1
    """Share of all steps, in [0, 1], over which the learning rate rises linearly from 0."""
    bias_correction: bool = True
    """Whether Adam corrects the bias of its moments."""
    batch_size: int = 16
    """Training examples per step."""
    weight_decay: float = 0.01
    """Decoupled decay of every parameter but biases and LayerNorm weights."""
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-6
    max_grad_norm: float = 1.0
    """Global gradient norm at which gradients are clipped; 0 switches clipping off."""
    dropout: float = 0.1
    """Probability of every dropout layer."""
    max_seq_length: int = 128
    """Tokens kept of an example."""
    token_type_ids: bool = True
    """Whether segment ids are passed; the paper's official runs passed none."""
    max_steps: int = 0
    """Optimizer steps in place of `num_epochs`; 0 for as many as the epochs take."""
    train_size: int = 0
    """Examples drawn from the training set without replacement; 0 for all of it."""
    train_seed: int = 0
    """Seed of that drawing, which all trials share."""
    group_by_length: bool = False
    """Whether a batch holds examples of like length, which spares padding; the paper's batches are random."""
    lr_scheduler_type: str = "linear"
    """How the learning rate falls after the warmup: linear or cosine to zero, or constant."""
    precision: str = "fp32"
    """Arithmetic of the forward and backward pass: fp32, or bf16 (autocast; weights stay in fp32)."""
    mixout: float = 0.0
    """Probability that a weight of the encoder's layers is its pre-trained value for a step (Lee et al. 2020)."""
    reinit_layers: int = 0
    """Top layers that are drawn anew, and the pooler with them (Zhang et al. 2021)."""
    layerwise_lr_decay: float = 1.0
    """Factor from each layer's learning rate to that of the layer below (Howard and Ruder 2018)."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field.name, getattr(self, field.name))
            if HYPERPARAMETER_TYPES[field.name] is float:
                # A whole number is the same value, and must have the same trial id.
                object.__setattr__(self, field.name, float(getattr(self, field.name)))

    @property
    def effort(self) -> int:
        """What the time of a run is proportional to: its epochs, or its steps where these are given."""
        return self.max_steps or self.num_epochs

    def replace(self, **changes: object) -> Hyperparameters:
        """A copy with `changes`. Raises `UserError` for a name that is no hyperparameter."""
        for name in changes:
            if name not in HYPERPARAMETER_NAMES:
                raise unknown_name("hyperparameter", name, HYPERPARAMETER_NAMES)
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    def differences(self) -> dict[str, Value]:
        """The hyperparameters that are not at their default, sorted by name."""
        return {
            field.name: getattr(self, field.name)
            for field in sorted(dataclasses.fields(self), key=lambda field: field.name)
            if getattr(self, field.name) != field.default
        }


Value = float | int | bool | str
HYPERPARAMETER_NAMES = tuple(field.name for field in dataclasses.fields(Hyperparameters))
HYPERPARAMETER_TYPES: dict[str, type] = {
    field.name: {"float": float, "int": int, "bool": bool, "str": str}[str(field.type)]
    for field in dataclasses.fields(Hyperparameters)
}

# name: (lowest, highest, lowest allowed itself, highest allowed itself)
_LIMITS: dict[str, tuple[float, float, bool, bool]] = {
    "learning_rate": (0, math.inf, False, False),
    "num_epochs": (1, math.inf, True, False),
    "warmup_ratio": (0, 1, True, True),
    "batch_size": (1, math.inf, True, False),
    "weight_decay": (0, math.inf, True, False),
    "adam_beta1": (0, 1, True, False),
    "adam_beta2": (0, 1, True, False),
    "adam_epsilon": (0, math.inf, False, False),
    "max_grad_norm": (0, math.inf, True, False),
    "dropout": (0, 1, True, False),
    "max_seq_length": (3, math.inf, True, False),
    "max_steps": (0, math.inf, True, False),
    "train_size": (0, math.inf, True, False),
    "train_seed": (0, math.inf, True, False),
    "mixout": (0, 1, True, True),
    "reinit_layers": (0, math.inf, True, False),
    "layerwise_lr_decay": (0, 1, False, True),
}

CHOICES: dict[str, tuple[str, ...]] = {
    "lr_scheduler_type": ("linear", "constant", "cosine"),
    "precision": ("fp32", "bf16"),
}
"""What a hyperparameter that is a name may be."""


def _check(name: str, value: object) -> None:
    wanted = HYPERPARAMETER_TYPES[name]
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) if wanted is float else type(value) is wanted
    if not fits:
        raise UserError(f"{name} must be of type {wanted.__name__}, received {value!r}.")
    if name in CHOICES and value not in CHOICES[name]:
        raise UserError(f"{name} must be one of {', '.join(CHOICES[name])}, received {value!r}.")
    if name not in _LIMITS:
        return
    lowest, highest, closed_below, closed_above = _LIMITS[name]
    above = value >= lowest if closed_below else value > lowest  # type: ignore[operator]
    below = value <= highest if closed_above else value < highest  # type: ignore[operator]
    if not (above and below):
        span = f"{'[' if closed_below else '('}{lowest:g}, {highest:g}{']' if closed_above else ')'}"
        raise UserError(f"{name} must lie in {span}, received {value!r}.")
