"""Published tasks by name: GLUE's classification tasks (Wang et al. 2019) and SciTail (Khot et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

GLUE = "nyu-mll/glue"
SCITAIL = "allenai/scitail"


@dataclass(frozen=True)
class CatalogEntry:
    """Where a task is on the hub, its columns of text, its usual metric, and the split to validate on."""

    hub_id: str
    configuration: str
    text_columns: tuple[str, ...]
    metric: str
    validation: str = "validation"


# Test splits are of no use here: GLUE's have no labels, and no choice may be made on SciTail's.
CATALOG = {
    "cola": CatalogEntry(GLUE, "cola", ("sentence",), "matthews_correlation"),
    "sst2": CatalogEntry(GLUE, "sst2", ("sentence",), "accuracy"),
    "mrpc": CatalogEntry(GLUE, "mrpc", ("sentence1", "sentence2"), "f1"),
    "qqp": CatalogEntry(GLUE, "qqp", ("question1", "question2"), "f1"),
    "mnli": CatalogEntry(GLUE, "mnli", ("premise", "hypothesis"), "accuracy", "validation_matched"),
    "qnli": CatalogEntry(GLUE, "qnli", ("question", "sentence"), "accuracy"),
    "rte": CatalogEntry(GLUE, "rte", ("sentence1", "sentence2"), "accuracy"),
    "wnli": CatalogEntry(GLUE, "wnli", ("sentence1", "sentence2"), "accuracy"),
    "scitail": CatalogEntry(SCITAIL, "tsv_format", ("premise", "hypothesis"), "accuracy"),
}
LABEL = "label"
UNLABELLED = -1
"""What GLUE has in place of a label that it keeps to itself."""

REGRESSIONS = ("stsb",)
