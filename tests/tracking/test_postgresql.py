"""PostgreSQL as MLflow's store: written directly, and behind a server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlflow_servers import Server, free_port, run_ids
from seqbench.records import CellRecord
from seqbench.store import Store
from seqbench.tracking.address import with_driver
from seqbench.tracking.reach import TrackingError, check
from seqbench.tracking.tracker import Tracker

PASSWORD = "open-sesame"  # noqa: S105 - of a server that lives as long as a test


def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    initdb = shutil.which("initdb")
    found = [Path(initdb)] if initdb else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    return found[-1].parent


@dataclass
class Postgres:
    """A PostgreSQL that listens on a port of this machine and asks for a password."""

    programs: Path
    data: Path
    port: int

    def address(self, password: str = PASSWORD) -> str:
        return f"postgresql://tester:{password}@127.0.0.1:{self.port}/postgres"

    def call(self, program: str, *arguments: str) -> None:
        """One of its programs; it refuses to be root, so root calls it as the user `postgres`."""
        user = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        subprocess.run(
            [*user, str(self.programs / program), *arguments], cwd="/", check=True, stdout=subprocess.DEVNULL
        )

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self.data}"
        self.call("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.data / "log"), "-o", options, "start")

    def stop(self) -> None:
        self.call("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """It runs. Its folder is not pytest's, which nobody but the tester may enter."""
    pytest.importorskip("psycopg2", reason="psycopg2-binary is not installed")
    found = programs()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        root.chmod(0o777)
        (root / "password").write_text(PASSWORD)
        (root / "password").chmod(0o644)
        postgres = Postgres(found, root / "data", free_port())
        secret = ("--auth=scram-sha-256", f"--pwfile={root / 'password'}")
        postgres.call("initdb", "-D", str(postgres.data), "-U", "tester", "--no-sync", *secret)
        postgres.start()
        yield postgres
        postgres.stop()


def test_postgresql_is_a_tracking_address(
    postgres: Postgres,
    tmp_path: Path,
    records: list[CellRecord],
    observe_all: Callable[[str], list[str]],
    seqbench: Callable[..., Any],
    snapshot: Callable[[Tracker], Any],
) -> None:
    """A run logs to a PostgreSQL database, and a sync adds no run, also through an MLflow server over that database.

    While the database is stopped a sync says so at once; when it is there again nothing was lost.
    """
    assert [] == observe_all(postgres.address())
    direct = Tracker(postgres.address(), tmp_path / "results")
    ids = run_ids(direct)
    assert 9 == len(ids)
    server = Server(with_driver(postgres.address()), tmp_path, free_port())
    server.start()
    try:
        arguments = ("sync", "--results", str(tmp_path / "results"), "--tracking-uri")
        assert 0 == seqbench(*arguments, server.address).code
        held = snapshot(Tracker(server.address, tmp_path / "results"))
        postgres.stop()
        refused = seqbench(*arguments, postgres.address())
        assert 2 == refused.code
        assert "Connection refused" in refused.err
        assert PASSWORD not in refused.err
        failing = seqbench(*arguments, server.address)
        assert (2, False) == (failing.code, "Traceback" in failing.err)
        postgres.start()
        for address in (postgres.address(), server.address):
            assert 0 == seqbench(*arguments, address).code
    finally:
        server.stop(signal.SIGKILL)
    assert (held, ids) == (snapshot(direct), run_ids(direct))


def test_a_wrong_password_is_told_and_not_shown(
    postgres: Postgres, tmp_path: Path, records: list[CellRecord], seqbench: Callable[..., Any]
) -> None:
    """A wrong password, or one that makes the address ambiguous, ends in one sentence that says so without it."""
    store = Store(tmp_path / "results")
    store.append(records[0], {})
    for password, why in (("wr0ng", "password authentication failed"), ("wr0ng/wr0ng@wr0ng", "write %40 for @")):
        done = seqbench("sync", "--tracking-uri", postgres.address(password))
        told = " ".join(done.err.split())
        assert (2, 1) == (done.code, told.count(why)), told
        assert "MLflow at postgresql://***@127.0.0.1:" in told
        assert "wr0ng" not in done.out + done.err


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg2 the error names the package that has it."""
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(TrackingError, match=r"its driver is not installed: pip install psycopg2-binary"):
        check("postgresql://me@127.0.0.1/mlflow")
