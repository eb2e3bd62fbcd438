"""Hold the failure-mode classifier against the labels, and show the distributions that its thresholds separate.

    python experiments/failure_modes/confusion.py

Reads results/failure-modes and labels.csv; writes confusion.csv and distributions.png beside the studies.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from tune_stability import load_results
from tune_stability.outcomes import AT_CHANCE, FAILURE_MODES, VANISHED, failure_mode

RESULTS = Path("results/failure-modes")
LABELS = Path(__file__).with_name("labels.csv")


def main() -> None:
    trials = pd.concat([load_results(study) for study in sorted(RESULTS.glob("micro-*"))])
    labelled = trials.merge(pd.read_csv(LABELS), on="trial_id", validate="one_to_one")
    numbers = ["train_loss", "chance_loss", "gradient_start", "gradient_end"]
    labelled["classified"] = [failure_mode(*row) for row in labelled[numbers].itertuples(index=False)]
    confusion = pd.crosstab(labelled["label"], labelled["classified"])
    confusion = confusion.reindex(index=FAILURE_MODES, columns=FAILURE_MODES, fill_value=0)
    confusion.to_csv(RESULTS / "confusion.csv")
    print(confusion.to_string())
    print(f"{np.trace(confusion)} of {len(labelled)} right")
    wrong = labelled[labelled["label"] != labelled["classified"]]
    if len(wrong):
        print(wrong[["trial_id", "model", "label", "classified", *numbers]].to_string(index=False))
    _draw(labelled)


def _draw(labelled: pd.DataFrame) -> None:
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    finite = labelled[labelled["label"] != "diverged"]
    for label, rows in finite.groupby("label"):
        ratio = (rows["gradient_end"] / rows["gradient_start"]).clip(lower=1e-9)
        loss = (rows["train_loss"] / rows["chance_loss"]).clip(upper=2)
        ax.scatter(loss, ratio, s=18, alpha=0.7, label=f"{label} ({len(rows)})")
    ax.set_yscale("log")
    ax.axhline(VANISHED, color="0.4", linestyle="--")
    ax.axvline(AT_CHANCE, color="0.4", linestyle="--")
    ax.set_xlim(0, 2.05)
    ax.set_xlabel("training loss of the last epoch over that of chance (2: or more)")
    ax.set_ylabel("lower layers' gradient, second half over start (1e-9: or less)")
    ax.set_title("Failed trials by their label; dashed: the classifier's thresholds", fontsize=10)
    ax.legend(fontsize=8)
    figure.savefig(RESULTS / "distributions.png", dpi=150)


if __name__ == "__main__":
    main()
