"""The shape of the house: what each part may import, and what importing the package costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import tune_stability

PACKAGE = Path(tune_stability.__file__).parent
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

BOTTOM = frozenset(
    {
        "axes",
        "commands",
        "data_source",
        "errors",
        "hyperparameters",
        "recipes",
        "spaces",
        "trials",
        "outcomes",
        "studies",
    }
)

# The arrows of the design. A part may import itself, and of its neighbours those on the right.
MAY_IMPORT: dict[str, frozenset[str]] = {
    **dict.fromkeys(BOTTOM, BOTTOM),
    "store": BOTTOM,
    "analysis": BOTTOM,
    "views": BOTTOM | {"analysis"},
    "plots": BOTTOM | {"analysis", "views"},
    "page": BOTTOM | {"analysis", "views", "plots"},
    "tasks": BOTTOM,
    "models": BOTTOM | {"tasks"},
    "training": BOTTOM | {"models", "tasks"},
    "sampling": BOTTOM | {"analysis"},
    # Not training: the trial function reaches a worker by its import string.
    "execution": BOTTOM | {"store", "sampling"},
    "exports": BOTTOM | {"sampling"},
    "options": BOTTOM,
    "event_log": BOTTOM | {"store"},
    "display": BOTTOM | {"sampling", "analysis"},
}

# These only call the others, so they may import any of them.
FRONT = frozenset(
    {
        "__init__",
        "__main__",
        "cli",
        "search",
        "planning",
        "running",
        "sizing",
        "stopping",
        "answering",
        "comparing",
        "report",
        "reporting",
        "watching",
        "operations",
        "rerun",
        "retry",
        "stored",
        "export",
        "explain",
    }
)

# Libraries that are slow to load, or that one part wraps for all others.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "ray": ("execution/ray*",),
    "torch": ("training/*", "models/*", "tasks/*"),
    "transformers": ("training/*", "models/*", "tasks/*"),
    "datasets": ("tasks/*",),
    "plotly": ("page/*",),
    "jinja2": ("page/*",),
    "optuna": ("sampling/*", "analysis/importance*", "exports/optuna*"),
}


def part_of(file: str) -> str:
    """The folder or module right under the package that `file` belongs to."""
    return Path(file).parts[0].removesuffix(".py")


def modules_imported(source: str, file: str) -> Iterator[str]:
    """Every dotted name that `source`, at `file` in the package, imports, also inside functions and `TYPE_CHECKING`.

    `from a import b` gives `a.b`: b may be a module.
    """
    package = ["tune_stability", *Path(file).parts[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def parts_imported(source: str, file: str) -> set[str]:
    """The parts of the package that `source` imports; `__init__` stands for a name taken from the package itself."""
    names = [name.split(".") for name in modules_imported(source, file)]
    known = {part_of(other) for other in FILES} | MAY_IMPORT.keys()
    return {
        name[1] if len(name) > 1 and name[1] in known else "__init__" for name in names if name[0] == "tune_stability"
    }


def libraries_imported(source: str, file: str) -> set[str]:
    return {name.split(".")[0] for name in modules_imported(source, file)} - {"tune_stability"}


@pytest.mark.parametrize(
    ("source", "parts", "libraries"),
    [
        ("import json, ray.tune", set(), {"json", "ray"}),
        ("import tune_stability.store.schema", {"store"}, set()),
        ("import tune_stability", {"__init__"}, set()),
        ("from tune_stability import spaces, load_results", {"spaces", "__init__"}, set()),
        ("from tune_stability.spaces import SearchSpace", {"spaces"}, set()),
        ("from . import sobol", {"sampling"}, set()),
        ("from .sobol import draw", {"sampling"}, set()),
        ("from ..store import write", {"store"}, set()),
        ("from .. import store", {"store"}, set()),
        ("def f():\n    import torch\n    from tune_stability.errors import UserError", {"errors"}, {"torch"}),
        ("'import torch'", set(), set()),
    ],
)
def test_imports_are_found(source: str, parts: set[str], libraries: set[str]) -> None:
    assert parts_imported(source, "sampling/grid.py") == parts
    assert libraries_imported(source, "sampling/grid.py") == libraries


@pytest.mark.parametrize("file", FILES)
def test_nothing_points_back(file: str) -> None:
    part = part_of(file)
    if part in FRONT:
        return
    assert part in MAY_IMPORT, f"{part} is new: give it a row in MAY_IMPORT, and a place in the design"
    back = parts_imported((PACKAGE / file).read_text(), file) - MAY_IMPORT[part] - {part}
    assert not back, f"{file} imports {sorted(back)}; {part} may import {sorted(MAY_IMPORT[part])}"


@pytest.mark.parametrize("file", FILES)
def test_libraries_stay_in_their_parts(file: str) -> None:
    for library in libraries_imported((PACKAGE / file).read_text(), file) & ONLY_IN.keys():
        assert any(fnmatch(file, place) for place in ONLY_IN[library]), (
            f"{file} imports {library}, which belongs in {' or '.join(ONLY_IN[library])}"
        )


@pytest.mark.parametrize("file", sorted(file for file in FILES if part_of(file) in BOTTOM))
def test_the_bottom_is_plain_data(file: str) -> None:
    beyond = libraries_imported((PACKAGE / file).read_text(), file) - sys.stdlib_module_names - {"numpy"}
    assert not beyond, f"{file} imports {sorted(beyond)}; the bottom needs the standard library and numpy alone"


@pytest.mark.parametrize(
    "module",
    ["tune_stability", "tune_stability.analysis", "tune_stability.store", "tune_stability.views, tune_stability.page"],
)
def test_a_reader_of_results_loads_neither_torch_nor_ray(module: str) -> None:
    heavy = {"torch", "ray", "transformers", "datasets", "optuna", "sklearn"}
    code = f"import sys, {module}; print(*sorted({heavy} & sys.modules.keys()))"
    fresh = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )
    assert fresh.returncode == 0, fresh.stderr
    assert fresh.stdout.split() == []
