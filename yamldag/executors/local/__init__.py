"""Tasks as processes of this machine, watched by a process of their own that outlives the scheduler."""

from yamldag.executors.local.executor import PATIENCE, LocalExecutor
from yamldag.executors.local.recovery import Found

__all__ = ["PATIENCE", "Found", "LocalExecutor"]
