from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from tune_stability.hyperparameters import Hyperparameters
from tune_stability.training.optimizer import PaperAdamW
from tune_stability.training.parameters import FlatParameters

Arrays = dict[str, NDArray[np.float64]]
STEPS = 50
ONE: dict[str, float] = {}
"""The same rate for every parameter."""


class Module(nn.Module):
    """A matrix, a bias, a LayerNorm-like scale and a three-dimensional kernel, declared out of order."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        for name, shape in (("bias", (3,)), ("matrix", (3, 4)), ("scale", (4,)), ("kernel", (2, 3, 2))):
            drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
            self.register_parameter(name, nn.Parameter(drawn.to(dtype)))


def numpy_values(module: nn.Module) -> Arrays:
    return {name: p.detach().to(torch.float64).numpy().copy() for name, p in module.named_parameters()}


def gradients_over_time(shapes: dict[str, tuple[int, ...]], steps: int = STEPS) -> list[Arrays]:
    """Gradients whose size varies over eight orders of magnitude, so that eps matters for some."""
    rng = np.random.default_rng(1)
    return [
        {name: rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 1) for name, shape in shapes.items()}
        for _ in range(steps)
    ]


def rate(t: int) -> float:
    return 0.01 * (t / 10 if t < 10 else (STEPS - t) / (STEPS - 10))


def reference(
    start: Arrays, gradients: list[Arrays], h: Hyperparameters, rates: list[float], factors: dict[str, float] = ONE
) -> list[Arrays]:
    """The paper's optimizer, one scalar array at a time and in the order of its description."""
    p = {name: value.copy() for name, value in start.items()}
    m = {name: np.zeros_like(value) for name, value in start.items()}
    v = {name: np.zeros_like(value) for name, value in start.items()}
    trajectory = []
    for t, (gradient, base) in enumerate(zip(gradients, rates, strict=True), start=1):
        for name, g in gradient.items():
            lr = base * factors.get(name, 1.0)
            m[name] = h.adam_beta1 * m[name] + (1 - h.adam_beta1) * g
            v[name] = h.adam_beta2 * v[name] + (1 - h.adam_beta2) * g**2
            denominator = np.sqrt(v[name]) + h.adam_epsilon
            step_size = lr
            if h.bias_correction:
                step_size = lr * np.sqrt(1 - h.adam_beta2**t) / (1 - h.adam_beta1**t)
            p[name] = p[name] - step_size * m[name] / denominator
            if p[name].ndim >= 2:
                p[name] = p[name] - lr * h.weight_decay * p[name]
        trajectory.append({name: value.copy() for name, value in p.items()})
    return trajectory


def run(
    module: nn.Module, gradients: list[Arrays], h: Hyperparameters, rates: list[float], factors: dict[str, float] = ONE
) -> list[Arrays]:
    flat = FlatParameters(module)
    sizes = zip(flat.names, flat.value_views, strict=True)
    parts = [view.new_full((view.numel(),), factors.get(name, 1.0)) for name, view in sizes]
    optimizer = PaperAdamW(flat, h, torch.cat(parts) if factors else None)
    trajectory = []
    for gradient, lr in zip(gradients, rates, strict=True):
        for name, p in module.named_parameters():
            assert p.grad is not None
            p.grad.copy_(torch.from_numpy(gradient[name]))
        optimizer.step(lr)
        trajectory.append(numpy_values(module))
    return trajectory


CASES = [
    Hyperparameters(bias_correction=correction, weight_decay=decay, adam_beta2=beta2)
    for correction in (False, True)
    for decay in (0.0, 0.01, 0.5)
    for beta2 in (0.999, 0.98)
]


@pytest.mark.parametrize("h", CASES, ids=lambda h: f"{h.bias_correction}-{h.weight_decay}-{h.adam_beta2}")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 2e-6)])
def test_the_trajectory_is_that_of_the_papers_formulas(
    h: Hyperparameters, dtype: torch.dtype, tolerance: float
) -> None:
    module = Module(dtype)
    start = numpy_values(module)
    gradients = gradients_over_time({name: value.shape for name, value in start.items()})
    rates = [rate(t) for t in range(STEPS)]
    got = run(module, gradients, h, rates)
    for t, expected in enumerate(reference(start, gradients, h, rates)):
        for name, value in expected.items():
            np.testing.assert_allclose(got[t][name], value, rtol=tolerance, atol=tolerance, err_msg=f"{name} at {t}")
    # The reference itself moved, by about the sum of the rates.
    assert np.abs(got[-1]["matrix"] - start["matrix"]).max() > 0.05


@pytest.mark.parametrize("h", CASES[::2], ids=lambda h: f"{h.bias_correction}-{h.weight_decay}-{h.adam_beta2}")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 2e-6)])
def test_a_rate_of_its_own_moves_and_decays_each_parameter(
    h: Hyperparameters, dtype: torch.dtype, tolerance: float
) -> None:
    factors = {"matrix": 0.25, "kernel": 1.0, "bias": 0.95**3, "scale": 1e-3}
    module = Module(dtype)
    start = numpy_values(module)
    gradients = gradients_over_time({name: value.shape for name, value in start.items()})
    rates = [rate(t) for t in range(STEPS)]
    got = run(module, gradients, h, rates, factors)
    for t, expected in enumerate(reference(start, gradients, h, rates, factors)):
        for name, value in expected.items():
            np.testing.assert_allclose(got[t][name], value, rtol=tolerance, atol=tolerance, err_msg=f"{name} at {t}")
    assert np.abs(got[-1]["scale"] - start["scale"]).max() < 1e-3 < np.abs(got[-1]["kernel"] - start["kernel"]).max()


def test_factors_of_1_change_nothing() -> None:
    h = Hyperparameters(weight_decay=0.5)
    gradients = gradients_over_time({name: value.shape for name, value in numpy_values(Module()).items()})
    without, ones = (run(Module(), gradients, h, [0.01] * STEPS, factors) for factors in (ONE, {"matrix": 1.0}))
    for one, other in zip(without, ones, strict=True):
        assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize(
    ("correction", "g", "eps", "expected"),
    [
        # m = .1 g and sqrt(v) = sqrt(.001) g = .0316228 g.
        (False, 1.0, 1e-6, 0.1 / (math.sqrt(0.001) + 1e-6)),
        (False, -1.0, 1e-6, -0.1 / (math.sqrt(0.001) + 1e-6)),
        # With correction the first step is the sign of the gradient, but for eps.
        (True, 1.0, 1e-12, 1.0),
        (True, -1e-3, 1e-12, -1.0),
        # eps as large as the uncorrected sqrt(v) halves the step in either case.
        (False, 1.0, math.sqrt(0.001), 0.5 * 0.1 / math.sqrt(0.001)),
        (True, 1.0, math.sqrt(0.001), 0.5),
        # No gradient, no step, and no division by zero.
        (False, 0.0, 1e-6, 0.0),
        (True, 0.0, 1e-6, 0.0),
    ],
)
def test_the_first_step_by_hand(correction: bool, g: float, eps: float, expected: float) -> None:
    h = Hyperparameters(bias_correction=correction, adam_epsilon=eps, weight_decay=0.0)
    module = Module()
    start = numpy_values(module)
    after = run(module, [{name: np.full_like(value, g) for name, value in start.items()}], h, [0.01])[0]
    for name, value in start.items():
        np.testing.assert_allclose(after[name], value - 0.01 * expected, rtol=0, atol=1e-9)


def test_the_first_step_is_3162_times_a_corrected_one() -> None:
    steps = {}
    for correction in (False, True):
        module = Module()
        start = numpy_values(module)
        ones = [{name: np.ones_like(value) for name, value in start.items()}]
        h = Hyperparameters(bias_correction=correction, adam_epsilon=1e-12, weight_decay=0.0)
        steps[correction] = run(module, ones, h, [1e-3])[0]["bias"] - start["bias"]
    np.testing.assert_allclose(steps[False] / steps[True], math.sqrt(10), rtol=1e-6)  # .1 / sqrt(.001)


def test_only_parameters_with_two_dimensions_or_more_decay() -> None:
    module = Module()
    start = numpy_values(module)
    still = [{name: np.zeros_like(value) for name, value in start.items()}]
    after = run(module, still, Hyperparameters(weight_decay=0.5), [0.1])[0]
    for name, factor in {"matrix": 0.95, "kernel": 0.95, "bias": 1.0, "scale": 1.0}.items():
        np.testing.assert_allclose(after[name], factor * start[name], rtol=1e-15)


def test_a_rate_of_zero_moves_nothing_but_the_moments() -> None:
    h = Hyperparameters(weight_decay=0.1)
    module = Module()
    start = numpy_values(module)
    ones = {name: np.ones_like(value) for name, value in start.items()}
    got = run(module, [ones, ones], h, [0.0, 0.01])
    for name, value in start.items():
        assert (got[0][name] == value).all()
        np.testing.assert_allclose(got[1][name], reference(start, [ones, ones], h, [0.0, 0.01])[1][name], rtol=1e-14)


def torch_adamw(start: Arrays, gradients: list[Arrays], h: Hyperparameters, lr: float) -> list[Arrays]:
    parameters = {name: nn.Parameter(torch.from_numpy(value.copy())) for name, value in start.items()}
    optimizer = torch.optim.AdamW(
        parameters.values(), lr=lr, betas=(h.adam_beta1, h.adam_beta2), eps=h.adam_epsilon, weight_decay=h.weight_decay
    )
    trajectory = []
    for gradient in gradients:
        for name, p in parameters.items():
            p.grad = torch.from_numpy(gradient[name].copy())
        optimizer.step()
        trajectory.append({name: p.detach().numpy().copy() for name, p in parameters.items()})
    return trajectory


def one_matrix(value: float = 2.0) -> tuple[nn.Module, Arrays]:
    module = nn.Module()
    module.register_parameter("matrix", nn.Parameter(torch.full((1, 1), value, dtype=torch.float64)))
    return module, numpy_values(module)


def constant(g: float, steps: int) -> list[Arrays]:
    return [{"matrix": np.full((1, 1), g)}] * steps


def test_without_its_three_differences_it_is_torchs_adamw() -> None:
    # Corrected, with nothing to decay and an eps of no weight.
    h = Hyperparameters(weight_decay=0.0, adam_epsilon=1e-30)
    module, start = one_matrix()
    gradients = constant(0.5, STEPS)
    got, other = run(module, gradients, h, [0.01] * STEPS), torch_adamw(start, gradients, h, 0.01)
    for mine, theirs in zip(got, other, strict=True):
        np.testing.assert_allclose(mine["matrix"], theirs["matrix"], rtol=1e-13)


def test_torch_always_corrects() -> None:
    h = Hyperparameters(bias_correction=False, weight_decay=0.0, adam_epsilon=1e-30)
    module, start = one_matrix()
    mine = run(module, constant(0.5, 1), h, [0.01])[0]["matrix"] - start["matrix"]
    theirs = torch_adamw(start, constant(0.5, 1), h, 0.01)[0]["matrix"] - start["matrix"]
    np.testing.assert_allclose(mine / theirs, math.sqrt(10), rtol=1e-9)


def test_torch_adds_eps_after_the_correction() -> None:
    # With g = eps = 1: here .1 / (sqrt(.001) + 1) * sqrt(.001) / .1, in torch 1 / (1 + 1).
    h = Hyperparameters(weight_decay=0.0, adam_epsilon=1.0)
    module, start = one_matrix()
    mine = run(module, constant(1.0, 1), h, [0.01])[0]["matrix"]
    theirs = torch_adamw(start, constant(1.0, 1), h, 0.01)[0]["matrix"]
    root = math.sqrt(0.001)
    np.testing.assert_allclose(start["matrix"] - mine, 0.01 * root / (root + 1), rtol=1e-9)
    np.testing.assert_allclose(start["matrix"] - theirs, 0.01 / 2, rtol=1e-9)


def test_torch_decays_first() -> None:
    # From 2 with a step of .1 and a decay of .1 * .5: here (2 - .1) * .95, in torch 2 * .95 - .1.
    h = Hyperparameters(weight_decay=0.5, adam_epsilon=1e-30)
    module, start = one_matrix(2.0)
    mine = run(module, constant(1.0, 1), h, [0.1])[0]["matrix"]
    theirs = torch_adamw(start, constant(1.0, 1), h, 0.1)[0]["matrix"]
    np.testing.assert_allclose(mine, 1.805, rtol=1e-12)
    np.testing.assert_allclose(theirs, 1.8, rtol=1e-12)
