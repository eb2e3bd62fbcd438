"""Executors by name."""

from __future__ import annotations

from tune_stability.errors import unknown_name
from tune_stability.execution.executor import Executor, Resources
from tune_stability.sampling.optuna_samplers import AskTell, Known
from tune_stability.sampling.sources import Proposer
from tune_stability.studies import StudySpec

EXECUTOR_NAMES = ("ray", "local")


def get_executor(name: str, resources: Resources) -> Executor:
    """The executor of that name. Ray is imported only for `ray`. Raises `UserError` naming the nearest one."""
    if name == "local":
        from tune_stability.execution.local import LocalExecutor

        return LocalExecutor(resources)
    if name == "ray":
        from tune_stability.execution.ray_tune import RayExecutor

        return RayExecutor(resources)
    raise unknown_name("executor", name, EXECUTOR_NAMES)


def get_proposer(executor: str, spec: StudySpec, known: Known) -> Proposer:
    """What proposes configurations for an adaptive sampler: Ray's `OptunaSearch` where Ray runs the trials."""
    if executor == "ray":
        from tune_stability.execution.ray_optuna import OptunaSearchProposer

        return OptunaSearchProposer(spec.space, spec.sampler, spec.design_seed, known, spec.num_seeds)
    return AskTell(spec.space, spec.sampler, spec.design_seed, known, spec.num_seeds)
