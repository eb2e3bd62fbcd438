"""The paper's optimizer: Adam with decoupled weight decay, with or without bias correction."""

from __future__ import annotations

import math

import torch

from tune_stability.hyperparameters import Hyperparameters
from tune_stability.training.parameters import FlatParameters


class PaperAdamW:
    """Adam as Mosbach et al. (2020) ran it (appendix B; Loshchilov and Hutter 2019 for the decay).

    With gradient g at step t = 1, 2, ...:

        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        a = lr                                           without bias correction
        a = lr sqrt(1 - beta2^t) / (1 - beta1^t)         with it
        p = p - a m / (sqrt(v) + eps)
        p = p - lr weight_decay p                        for parameters that decay

    where lr is the step's rate times the parameter's factor, if there are `rate_factors`, of shape `(n,)`.

    It differs from `torch.optim.AdamW`, which always corrects, adds eps to the corrected sqrt(v), and
    decays before the Adam step. Without correction the first steps are larger by
    (1 - beta1) / sqrt(1 - beta2), which is 3.2 at the usual betas.
    """

    def __init__(
        self, flat: FlatParameters, hyperparameters: Hyperparameters, rate_factors: torch.Tensor | None = None
    ) -> None:
        self._flat = flat
        self._rate_factors = rate_factors
        self._h = hyperparameters
        self._m = torch.zeros_like(flat.values)
        self._v = torch.zeros_like(flat.values)
        # Kept from step to step: to ask the system for as much memory anew costs more than to fill it.
        self._denominator = torch.empty_like(flat.values)
        self._t = 0

    def moments(self) -> dict[str, torch.Tensor]:
        """The optimizer's state beside the number of its steps, for `resume`."""
        return {"m": self._m, "v": self._v}

    def resume(self, steps: int, moments: dict[str, torch.Tensor]) -> None:
        """Take up the state of an optimizer that has made `steps` steps."""
        self._t = steps
        self._m.copy_(moments["m"])
        self._v.copy_(moments["v"])

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change the parameters in place by one step along their gradients."""
        h, gradients, values = self._h, self._flat.gradients, self._flat.values
        self._t += 1
        self._m.mul_(h.adam_beta1).add_(gradients, alpha=1 - h.adam_beta1)
        self._v.mul_(h.adam_beta2).addcmul_(gradients, gradients, value=1 - h.adam_beta2)
        step_size = learning_rate
        if h.bias_correction:
            step_size *= math.sqrt(1 - h.adam_beta2**self._t) / (1 - h.adam_beta1**self._t)
        torch.sqrt(self._v, out=self._denominator).add_(h.adam_epsilon)
        decay: float | torch.Tensor = learning_rate * h.weight_decay
        if self._rate_factors is not None:
            self._denominator.div_(self._rate_factors)
            decay = decay * self._rate_factors[: self._flat.num_decayed]
        values.addcdiv_(self._m, self._denominator, value=-step_size)
        values[: self._flat.num_decayed].mul_(1 - decay)
