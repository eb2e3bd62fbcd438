from __future__ import annotations

import subprocess
import sys


def test_statistics_load_neither_torch_nor_ray() -> None:
    code = (
        "import sys, tune_stability.analysis, tune_stability.training.analytic;"
        "print([name for name in ('torch', 'ray', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
