from __future__ import annotations

import pytest

from tune_stability.errors import UserError
from tune_stability.execution import LOG_TOOLS, check_logs


def test_what_is_installed_passes() -> None:
    # tensorboardX comes with ray[tune].
    check_logs(("tensorboard",), "ray")
    check_logs((), "local")


@pytest.mark.parametrize(
    ("tool", "executor", "message"),
    [
        (
            "tensorbord",
            "ray",
            "unknown tool to log to 'tensorbord'; did you mean 'tensorboard'? Allowed: mlflow, tensorboard, wandb.",
        ),
        (
            "mlflow",
            "local",
            "--log-to mlflow works through Ray's callbacks, received --executor local; "
            "leave out --executor, or --log-to.",
        ),
    ],
)
def test_bad_input_is_refused(tool: str, executor: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        check_logs((tool,), executor)
    assert str(caught.value) == message


@pytest.mark.parametrize("tool", LOG_TOOLS)
def test_a_missing_library_is_said_in_one_line(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tune_stability.execution.logs.find_spec", lambda name: None)
    with pytest.raises(UserError) as caught:
        check_logs((tool,), "ray")
    module = {"tensorboard": "tensorboardX"}.get(tool, tool)
    assert str(caught.value) == (
        f"--log-to {tool} needs the package {module}, which is not installed here; "
        f"install it with pip install 'tune-stability[{tool}]'."
    )
