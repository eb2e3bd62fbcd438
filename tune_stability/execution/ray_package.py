"""How the code reaches the workers of a cluster: the search sends its own.

Workers of another version would make rows of another code under the same ids. So Ray's runtime environment carries this
package, and the module of one's own trainable, to every machine; the libraries must be there already.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sysconfig
from pathlib import Path

_JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"


def code_to_send(trainable: str) -> list[str]:
    """Folders and files for `py_modules`: this package, and the trainable's if it is not an installed one."""
    if _job_sends_code():
        return []
    top = trainable.partition(":")[0].partition(".")[0]
    own = [] if top == "tune_stability" else _uninstalled(top)
    return [str(Path(__file__).parents[1]), *own]


def _uninstalled(module: str) -> list[str]:
    """Where a module lies that workers would not find by themselves; nothing for one from site-packages."""
    spec = importlib.util.find_spec(module)
    if spec is None:
        return []
    folders = list(spec.submodule_search_locations or [])
    place = folders[0] if folders else spec.origin
    paths = sysconfig.get_paths()
    # The others, such as the root of it all, may have one's own code below them.
    installed = [Path(paths[name]).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    if place is None or any(Path(place).resolve().is_relative_to(path) for path in installed):
        return []
    return [place]


def _job_sends_code() -> bool:
    """Whether `ray job submit` was given `py_modules`, which Ray does not merge with others."""
    config = os.environ.get(_JOB_CONFIG)
    return config is not None and "py_modules" in json.loads(config).get("runtime_env", {})
