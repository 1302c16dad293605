"""What of a record goes to MLflow, without MLflow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqbench.records import CellRecord
from seqbench.tracking.address import artifact_location, sqlite_file, without_password
from seqbench.tracking.names import metric_name
from seqbench.tracking.projection import seed_content


@settings(deadline=None)  # the first call imports MLflow
@given(st.text(max_size=300))
def test_any_name_becomes_one_that_mlflow_takes(name: str) -> None:
    """Whatever a third party calls a metric, MLflow accepts the name it is logged under."""
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(metric_name(name))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "recall/yes", "top-5", "train.loss"])
def test_usual_names_stay(name: str) -> None:
    """A name that MLflow takes is not changed."""
    assert name == metric_name(name)


def test_infinite_and_long_values_fit(make_record: Callable[..., CellRecord]) -> None:
    """Infinity is logged as the largest number, a parameter is cut at MLflow's limit."""
    record = make_record("lstm", metrics={"accuracy": float("inf")}, parameters={"model": {"text": "x" * 9000}})
    content = seed_content(record)
    assert [sys.float_info.max] == [point.value for point in content.points if point.name == "accuracy"]
    assert 6000 == len(content.params["model.text"])


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sqlite:////data/mlflow.db", "file:///data/mlartifacts"),
        ("sqlite+pysqlite:////data/mlflow.db?timeout=9", "file:///data/mlartifacts"),
        ("postgresql://me:secret@host/db", "file:///results/mlartifacts"),
        ("sqlite://", "file:///results/mlartifacts"),
        ("http://host:5000", None),
        ("file:///data/mlruns", None),
    ],
)
def test_artifacts_never_go_to_the_current_folder(uri: str, expected: str | None) -> None:
    """Artifacts of a database lie beside its file or in the results; a server decides for itself."""
    assert expected == artifact_location(uri, Path("/results"))


def test_addresses_are_shown_without_their_password() -> None:
    """A password in an address is not printed."""
    assert "postgresql://***@host/db" == without_password("postgresql://me:secret@host/db")
    assert "http://host:5000" == without_password("http://host:5000")


def test_the_file_of_an_address() -> None:
    """Only SQLite addresses have a file."""
    assert Path("/a/b.db") == sqlite_file("sqlite:////a/b.db")
    assert None is sqlite_file("sqlite:///:memory:")
    assert None is sqlite_file("postgresql://host/db")
