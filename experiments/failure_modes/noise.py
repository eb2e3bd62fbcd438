"""Write a task without an answer: sentences of `grammar`, labelled by the toss of a coin.

    python experiments/failure_modes/noise.py FOLDER

Makes train.tsv (128 sentences, few enough to learn by heart) and validation.tsv (500) in FOLDER.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from tune_stability.tasks.grammar import load_grammar

SIZES = {"train": 128, "validation": 500}


def main(folder: Path) -> None:
    task, rng = load_grammar(SIZES["train"], SIZES["validation"]), random.Random(0)
    for name in SIZES:
        lines = [f"{text}\t{rng.randrange(2)}" for text in getattr(task, name)["sentence"]]
        (folder / f"{name}.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
