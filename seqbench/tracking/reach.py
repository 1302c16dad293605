"""Can this MLflow be reached and written? Asked before MLflow itself is, which tries for minutes what cannot be."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from seqbench.errors import SeqbenchError
from seqbench.tracking.address import is_database, is_server, sqlite_file, with_driver

REACH_SECONDS = 5
"""How long a server or database may take to answer."""

PACKAGES = {"psycopg": "psycopg2-binary", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
"""By the module that talks to a database, the package it comes in, where that has another name."""


class TrackingError(SeqbenchError):
    """MLflow cannot be reached, or an experiment cannot be written, for a reason that the user can mend."""


def check(tracking_uri: str) -> None:
    """Raises TrackingError with the reason when MLflow does not answer, is locked or cannot be written."""
    file = sqlite_file(tracking_uri)
    if file is not None:
        _check_file(file)
    elif is_server(tracking_uri):
        _check_server(tracking_uri)
    elif is_database(tracking_uri):
        _check_database(tracking_uri)


def _check_file(file: Path) -> None:
    if file.exists():
        try:
            with closing(sqlite3.connect(file, timeout=REACH_SECONDS)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()
        except sqlite3.Error as error:
            raise TrackingError(f"{file.name}: {error}") from None


def _check_server(tracking_uri: str) -> None:
    """Any answer will do: what it means is for MLflow's client, which knows of credentials and certificates."""
    import requests

    try:
        requests.get(f"{tracking_uri.rstrip('/')}/health", timeout=REACH_SECONDS, stream=True).close()
    except requests.exceptions.SSLError:
        return
    except requests.Timeout:
        raise TrackingError(f"the server does not answer within {REACH_SECONDS} s") from None
    except requests.ConnectionError:
        raise TrackingError("nothing can be connected to there") from None


def _check_database(tracking_uri: str) -> None:
    import sqlalchemy

    user = re.match(r"[^:]+://([^?]*)@", tracking_uri)
    if user and re.search("[@/]", user[1]):
        raise TrackingError("its user or password has an @ or /: write %40 for @ and %2F for /")
    timeout = {} if tracking_uri.startswith("mssql") else {"connect_timeout": REACH_SECONDS}
    try:
        uri = with_driver(tracking_uri)
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool, connect_args=timeout)
        engine.connect().close()
    except ModuleNotFoundError as error:
        package = PACKAGES.get(error.name or "", error.name)
        raise TrackingError(f"its driver is not installed: pip install {package}") from None
    except sqlalchemy.exc.DBAPIError as error:
        raise TrackingError(str(error.orig)) from None
