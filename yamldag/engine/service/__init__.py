"""The scheduler: what turns ticks, files and requests into runs that the engine moves."""

from yamldag.engine.service.service import Service
from yamldag.engine.service.signals import signals

__all__ = ["Service", "signals"]
