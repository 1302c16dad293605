"""Where MLflow is, where it keeps files, and how its client and server are set; imports nothing of MLflow."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
from pathlib import Path

from seqbench.errors import one_line

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A run that is created by a call whose answer is late would be created again: we look before we try again.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""MLflow's own settings for a quiet and impatient client; what the user has set in the environment wins.

Errors reach us as exceptions, so MLflow's log of them with their tracebacks is off.
"""


def quieten() -> None:
    """Set MLflow's settings before its import, and silence the chatter of what it uses."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def sqlite_file(tracking_uri: str) -> Path | None:
    """The file of a SQLite address (`sqlite:///relative` or `sqlite:////absolute`); None for any other."""
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]+)(?:\?.*)?", tracking_uri)
    return Path(found[1]).absolute() if found and found[1] != ":memory:" else None


def is_server(tracking_uri: str) -> bool:
    """Is it the address of a running MLflow server, rather than of a database or folder?"""
    return tracking_uri.startswith(("http://", "https://"))


def is_database(tracking_uri: str) -> bool:
    """Is it the address of a database that MLflow's client writes to by itself?"""
    return tracking_uri.startswith(("sqlite", "postgresql", "mysql", "mssql"))


def with_driver(tracking_uri: str) -> str:
    """The address with psycopg2 named where it is installed: what `postgresql://` means depends on SQLAlchemy."""
    is_open = tracking_uri.startswith("postgresql://") and importlib.util.find_spec("psycopg2") is not None
    return tracking_uri.replace("postgresql", "postgresql+psycopg2", 1) if is_open else tracking_uri


def artifact_location(tracking_uri: str, results: Path) -> str | None:
    """Where a new experiment keeps its artifacts: a URI, or None to leave it to the server.

    Beside a SQLite file and, for other databases, in the results folder: MLflow's own choice for a database would be
    `mlruns` in whatever the current folder is.
    """
    file = sqlite_file(tracking_uri)
    if file is not None:
        return (file.parent / "mlartifacts").as_uri()
    return (results.absolute() / "mlartifacts").as_uri() if is_database(tracking_uri) else None


def without_password(tracking_uri: str) -> str:
    """The address, or a text with addresses, as it may be shown."""
    return re.sub(r"(?i)(password=)[^&\s]*", r"\1***", re.sub(r"//\S*@", "//***@", tracking_uri))


def reason(error: Exception) -> str:
    """What went wrong, in one line; of a long story the start and the end, where its cause is."""
    text = without_password(one_line(error))
    return text if len(text) <= 300 else f"{text[:150]} … {text[-150:]}"
