"""Runs trials: in this process or on Ray Tune, behind one interface."""

from tune_stability.execution.executor import Executor, Resources
from tune_stability.execution.logs import LOG_TOOLS, check_logs
from tune_stability.execution.names import EXECUTOR_NAMES, get_executor, get_proposer
from tune_stability.execution.retries import Retries
from tune_stability.execution.trainable import load_trainable

__all__ = [
    "EXECUTOR_NAMES",
    "LOG_TOOLS",
    "Executor",
    "Resources",
    "Retries",
    "check_logs",
    "get_executor",
    "get_proposer",
    "load_trainable",
]
