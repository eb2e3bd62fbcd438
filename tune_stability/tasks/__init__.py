"""What a model is fine-tuned on."""

from tune_stability.tasks.names import TASK_NAMES, load_task

__all__ = ["TASK_NAMES", "load_task"]
