"""A study on disk or in a bucket: a folder of Parquet files, written trial by trial and read with pandas."""

from __future__ import annotations

from tune_stability.errors import StoreWarning
from tune_stability.store.checkpoints import StoredCheckpoint
from tune_stability.store.compaction import compact
from tune_stability.store.configs import config_of_row
from tune_stability.store.lease import lease
from tune_stability.store.location import Location, locate
from tune_stability.store.provenance import Provenance, current_provenance
from tune_stability.store.reader import load_results, stored_ids
from tune_stability.store.rows import completed_row, curve_rows, error_row, gradient_rows
from tune_stability.store.schema import SCHEMA_VERSION, TABLES, Column, Table
from tune_stability.store.signs import running_searches
from tune_stability.store.study import check_study, open_study, read_study
from tune_stability.store.verification import Verification, verify_store
from tune_stability.store.writer import trial_files, write_files, write_trial

__all__ = [
    "SCHEMA_VERSION",
    "TABLES",
    "Column",
    "Location",
    "Provenance",
    "StoreWarning",
    "StoredCheckpoint",
    "Table",
    "Verification",
    "check_study",
    "compact",
    "completed_row",
    "config_of_row",
    "current_provenance",
    "curve_rows",
    "error_row",
    "gradient_rows",
    "lease",
    "load_results",
    "locate",
    "open_study",
    "read_study",
    "running_searches",
    "stored_ids",
    "trial_files",
    "verify_store",
    "write_files",
    "write_trial",
]
