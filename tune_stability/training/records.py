"""What a run writes down while it trains: a bounded number of steps, of gradients and of scores."""

from __future__ import annotations

import dataclasses
import math
import statistics
from dataclasses import dataclass, field
from typing import Any

from tune_stability.trials import CurvePoint, GradientPoint

GRADIENT_START_STEPS = 3


@dataclass
class Records:
    """Points by step, gradients by step and layer group, the lower layers' norms and the scores by step."""

    points: dict[int, CurvePoint] = field(default_factory=dict)
    gradients: list[GradientPoint] = field(default_factory=list)
    lower: list[tuple[int, float]] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    predicted_share: tuple[float, ...] = ()

    def curve(self) -> tuple[CurvePoint, ...]:
        return tuple(self.points[step] for step in sorted(self.points))

    def best(self) -> tuple[int, float]:
        """Step and value of the first best score that is finite; (0, NaN) if there is none."""
        usable = [item for item in self.scores if math.isfinite(item[1])]
        return max(usable, key=lambda item: item[1], default=(0, math.nan))

    def gradient_start(self) -> float:
        """Median norm of the lower layers' gradient over the first recorded steps."""
        return _median([norm for _, norm in self.lower[:GRADIENT_START_STEPS]])

    def gradient_end(self, total_steps: int) -> float:
        """The same over the recorded steps of the second half of training."""
        return _median([norm for step, norm in self.lower if step >= total_steps // 2])

    def to_plain(self) -> dict[str, Any]:
        """The records as what JSON can hold, for `from_plain`."""
        return {
            "points": [dataclasses.astuple(point) for point in self.points.values()],
            "gradients": [dataclasses.astuple(point) for point in self.gradients],
            "lower": self.lower,
            "scores": self.scores,
            "predicted_share": self.predicted_share,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Records:
        """The records that `to_plain` wrote."""
        points = [CurvePoint(*values) for values in plain["points"]]
        return cls(
            points={point.step: point for point in points},
            gradients=[GradientPoint(*values) for values in plain["gradients"]],
            lower=[(step, norm) for step, norm in plain["lower"]],
            scores=[(step, score) for step, score in plain["scores"]],
            predicted_share=tuple(plain["predicted_share"]),
        )


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else math.nan
