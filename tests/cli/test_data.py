"""`seqbench data` as its users call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_show_and_audit(seqbench: Callable[..., Any], toy: str, tmp_path: Path) -> None:
    """`data show` says sizes, classes and samples, draws a picture, and trains nothing; `data audit` finds it sound."""
    done = seqbench("data", "show", "toy", "--plugin", toy, "--plot", "toy.png")
    assert 0 == done.code, done.err
    for expected in ("toy@builtin", "train", "fingerprint", "samples", "duplicates"):
        assert expected in done.out
    assert (tmp_path / "toy.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "results").exists()
    facts = json.loads(seqbench("data", "show", "toy", "--plugin", toy, "--json").out)
    assert (300, 5) == (facts["splits"]["train"]["examples"], len(facts["samples"]))
    assert max(len(line) for line in done.out.splitlines() if line.startswith(("train", "validation", "test"))) <= 80
    audited = seqbench("data", "audit", "toy", "--plugin", toy)
    assert 0 == audited.code, audited.out
    assert "splits_are_disjoint" in audited.out


def test_audit_of_a_leak_exits_with_1(seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """Reviews that train and test share, kept on purpose, ring a sentinel: it is named, and the exit code is 1."""
    rows = [f"this thing number {n} is {'good' if n % 2 else 'bad'}\t{n % 2}" for n in range(60)]
    (tmp_path / "texts").mkdir()
    for name in ("train", "validation", "test"):
        (tmp_path / "texts" / f"{name}.tsv").write_text("\n".join(rows) + "\n")
    done = seqbench("data", "audit", "sentiment", "--data", "texts", "--set", "tasks.sentiment.dedupe=false")
    assert 1 == done.code, done.err
    assert "60 examples are in train and test" in done.out


def test_prepare_and_cache(
    seqbench: Callable[..., Any], toy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Data is prepared once; the cache lists it, finds it whole, finds it damaged, and clears it."""
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "cache"))
    first = json.loads(seqbench("data", "prepare", "--plugin", toy, "--tasks", "toy", "--json").out)
    again = json.loads(seqbench("data", "prepare", "--plugin", toy, "--tasks", "toy", "--json").out)
    assert (first[0]["fingerprint"], first[0]["seconds"]) == (again[0]["fingerprint"], again[0]["seconds"])
    listed = json.loads(seqbench("data", "cache", "list", "--json").out)
    assert [("toy", "builtin")] == [(entry["task"], entry["source"]) for entry in listed["entries"]]
    assert "1 of 1 are whole." in seqbench("data", "cache", "verify").out
    array = next(Path(first[0]["folder"]).glob("*.npy"))
    array.write_bytes(array.read_bytes()[:-1])
    damaged = seqbench("data", "cache", "verify")
    assert 1 == damaged.code
    assert array.name in damaged.err
    made_anew = json.loads(seqbench("data", "prepare", "--plugin", toy, "--tasks", "toy", "--json").out)
    assert first[0]["fingerprint"] == made_anew[0]["fingerprint"]
    assert "1 deleted" in seqbench("data", "cache", "clear", "toy").out
    assert [] == json.loads(seqbench("data", "cache", "list", "--json").out)["entries"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["show", "sentment"], "did you mean 'sentiment'"),
        (["show", "sentiment", "--data", "nothing.csv"], "there is nothing at"),
        (["show", "sentiment", "--data", "gopher:x"], "takes no source 'gopher:x'"),
        (["show", "sentiment", "--plot", "x.bmp", "--set", "tasks.sentiment.reviews=[60,20,20]"], "ends in .png"),
        (["audit", "sentiment", "--data", "http://127.0.0.1:9/a.csv"], "cannot fetch http://127.0.0.1:9/a.csv"),
    ],
)
def test_mistakes_are_one_sentence(seqbench: Callable[..., Any], arguments: list[str], expected: str) -> None:
    """A wrong task, source or file is one sentence and exit 2."""
    done = seqbench("data", *arguments)
    assert 2 == done.code
    assert expected in " ".join(done.err.split())
    assert "Traceback" not in done.err
