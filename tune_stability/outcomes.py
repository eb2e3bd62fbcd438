"""What a completed trial showed: the rules of success, and the failure modes.

Pure functions of a trial's numbers, so that a reader can judge stored trials by another rule without running
anything again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tune_stability.errors import UserError, unknown_name

Outcome = Literal["success", "failed"]
FAILURE_MODES = ("diverged", "vanishing_gradients", "undertrained", "no_generalization")

AT_CHANCE = 0.9
"""A training loss above this share of the chance loss counts as still at chance."""
VANISHED = 0.2
"""Lower-layer gradients under this share of their value at the start count as vanished.

In the committed studies those of failed trials lie either mostly far below it (median .001) or above it (median .9).
"""


@dataclass(frozen=True)
class SuccessRule:
    """When a score at the end of training counts as success.

    `majority` (Mosbach et al. 2020, section 3): above the majority score. `margin`: above it by `value`.
    `within`: at least `value` of the way from the majority score to the best configuration's median score.
    """

    kind: Literal["majority", "margin", "within"] = "majority"
    value: float = 0.0

    @classmethod
    def parse(cls, text: str) -> SuccessRule:
        """Read `majority`, `margin:0.05` or `within:0.95`. Raises `UserError` otherwise."""
        kind, _, number = text.partition(":")
        if kind not in ("majority", "margin", "within"):
            raise unknown_name("success rule", kind, ("majority", "margin:0.05", "within:0.95"))
        if kind == "majority":
            if number:
                raise UserError(
                    f"the rule majority takes no number, received {text!r}; use majority or margin:{number}."
                )
            return cls()
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not 0 < value <= 1:
            raise UserError(f"the rule {kind} needs a number in (0, 1], as in {kind}:0.05, received {text!r}.")
        return cls(kind, value)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.kind if self.kind == "majority" else f"{self.kind}:{self.value:g}"

    def succeeded(
        self, score: ArrayLike, majority_score: ArrayLike, best_median: float = math.nan
    ) -> NDArray[np.bool_]:
        """Whether each score, shape `(n,)`, is a success; NaN never is.

        `best_median` is the best configuration's median score, which only `within` needs; if it does not beat
        the majority score, nothing succeeds.
        """
        score, majority_score = np.asarray(score, float), np.asarray(majority_score, float)
        if self.kind == "within":
            bar = majority_score + self.value * (best_median - majority_score)
            return np.asarray((score >= bar) & (score > majority_score) & (best_median > majority_score))
        return np.asarray(score > majority_score + self.value)


def failure_mode(
    train_loss: float, chance_loss: float, gradient_start: float, gradient_end: float, score: float = 0.0
) -> str:
    """Why a failed trial failed, from its training loss (nats), the lower layers' gradient norms, and its score.

    diverged: loss or gradient not finite, or the score NaN, since the last step made the loss so. no_generalization:
    the training loss is well under chance. vanishing_gradients (Mosbach et al. 2020, section 5.1): at chance, and the
    lower layers' gradients stayed under `VANISHED` times their start. undertrained: at chance with gradients alive, or
    not recorded.
    """
    gradient_blew_up = math.isinf(gradient_start) or math.isinf(gradient_end)
    if not math.isfinite(train_loss) or gradient_blew_up or math.isnan(score):
        return "diverged"
    if train_loss < AT_CHANCE * chance_loss:
        return "no_generalization"
    if gradient_end < VANISHED * gradient_start:
        return "vanishing_gradients"
    return "undertrained"
