"""Find a trainable by its name."""

from __future__ import annotations

import importlib

from tune_stability.errors import UserError
from tune_stability.trials import Sharing, Trainable


def load_trainable(name: str) -> Trainable:
    """The function that `package.module:function` names. Nothing else is imported."""
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:  # a module may raise anything while it is imported
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(f"the trainable {name!r} cannot be imported ({why}); give package.module:function.") from error
    if not callable(found):
        raise UserError(f"the trainable {name!r} is not a function; give package.module:function.")
    return found


def sharing_of(trainable: str) -> Sharing | None:
    """How that trainable hands what its trials share to other processes; None if it does not."""
    found: Sharing | None = getattr(load_trainable(trainable), "sharing", None)
    return found
