"""The tools that a search can log to, and whether they can be used here."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from tune_stability.errors import UserError, unknown_name

# The module that Ray's callback imports, and the extra that installs it.
_TOOLS = {"tensorboard": ("tensorboardX", "tensorboard"), "mlflow": ("mlflow", "mlflow"), "wandb": ("wandb", "wandb")}
LOG_TOOLS = tuple(_TOOLS)


def check_logs(tools: Iterable[str], executor: str) -> None:
    """Raise `UserError` for a tool that is unknown or not installed, or if another executor than Ray's is to run."""
    for tool in tools:
        if tool not in _TOOLS:
            raise unknown_name("tool to log to", tool, LOG_TOOLS)
        if executor != "ray":
            raise UserError(
                f"--log-to {tool} works through Ray's callbacks, received --executor {executor}; "
                "leave out --executor, or --log-to."
            )
        module, extra = _TOOLS[tool]
        if find_spec(module) is None:
            raise UserError(
                f"--log-to {tool} needs the package {module}, which is not installed here; "
                f"install it with pip install 'tune-stability[{extra}]'."
            )
