"""The numbers that determine a pre-training run, and its learning rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PretrainingSpec:
    """What determines the weights of one family. `warmup` is in steps, `masked` a probability per word."""

    num_layers: int = 4
    hidden_size: int = 64
    num_heads: int = 2
    intermediate_size: int = 128
    max_positions: int = 48
    steps: int = 6000
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup: int = 500
    weight_decay: float = 0.01
    dropout: float = 0.1
    masked: float = 0.15
    seed: int = 0


def warmup_then_decay(step: int, spec: PretrainingSpec) -> float:
    """The share of the learning rate that step `step` (the first is 0) has."""
    return min((step + 1) / max(1, spec.warmup), (spec.steps - step) / max(1, spec.steps - spec.warmup))
