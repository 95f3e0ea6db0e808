"""What Airflow finds around it: a home that goes with the attempt, no database, and the task's log."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_LEVEL = "AIRFLOW__LOGGING__LOGGING_LEVEL"


@contextmanager
def home(scratch: str) -> Iterator[None]:
    """`$AIRFLOW_HOME`, below the run's own folder, which goes with the run if this process is killed."""
    folder = tempfile.mkdtemp(prefix=".airflow-", dir=scratch)
    os.environ["AIRFLOW_HOME"] = folder
    os.environ.pop("AIRFLOW_CONFIG", None)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settle(variables: Mapping[str, str]) -> None:
    """Before anything of Airflow is loaded. `variables` are connections and variables: a process's environment is read
    from outside as it was in the beginning, and these are not in it."""
    os.environ["_AIRFLOW__AS_LIBRARY"] = "1"  # nothing of its database, logs and plug-ins is set up
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "sqlite:////nowhere/airflow.db"
    for name, value in variables.items():
        os.environ[name] = value
    _log()


def load() -> Any:
    """Airflow's SDK. What Airflow tells of itself meanwhile is not the task's. Raises ModuleNotFoundError."""
    logging.disable(logging.INFO)
    try:
        import airflow.sdk
        from airflow import settings

        settings.configure_vars()
        return airflow.sdk
    finally:
        logging.disable(logging.NOTSET)


def _log() -> None:
    """What is told from the level on that Airflow's own setting names."""
    level = getattr(logging, os.environ.get(_LEVEL, "INFO").upper(), logging.INFO)
    logging.basicConfig(stream=sys.stdout, level=level, format="%(levelname)s %(message)s", force=True)
    try:
        import structlog
    except ModuleNotFoundError:  # Airflow is not here, or does without
        return
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            _line,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )


def _line(_logger: object, name: str, event: Mapping[str, object]) -> str:
    """Level, message, what is told besides, and the traceback."""
    hidden = ("event", "level", "exception", "logger", "logger_name", "timestamp")
    more = "".join(f" {key}={value!r}" for key, value in event.items() if key not in hidden)
    trace = f"\n{event['exception']}" if event.get("exception") else ""
    return f"{name.upper()} {event.get('event', '')}{more}{trace}"
