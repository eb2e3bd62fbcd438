from tune_stability.store.study import StudySpec  # noqa: F401  (moved here when the store is finished)
