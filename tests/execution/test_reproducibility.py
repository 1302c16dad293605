"""The same cell on the same machine gives the same record, bit for bit, however it is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from unmeasured import unmeasured as unmeasured  # noqa: PLC0414 - a fixture of this file
from whole_runs import NASTY, reproducible


def test_workers_order_and_company_change_nothing(seqbench: Callable[..., Any], toy: str, tmp_path: Path) -> None:
    """One worker, two, this process; alone, beside others, after one that changes all that is global: same bits.

    The models draw from every generator there is, and the task is a built-in one with dropout.
    """
    stocks = ["--tasks", "stock_forecasting"]
    both = ["--plugin", toy, "--plugin", NASTY, "--tasks", "toy,stock_forecasting"]
    ways = {
        "two": [*both, "--models", "nasty_mess,nasty_slow,lstm", "--seeds", "0-1", "--workers", "2"],
        "one": [*both, "--models", "lstm,nasty_slow,nasty_mess", "--seeds", "1,0", "--workers", "1"],
        "inline": [*both, "--models", "nasty_mess,nasty_slow,lstm", "--seeds", "0-1", "--executor", "inline"],
        "alone": [*stocks, "--models", "lstm", "--seeds", "1", "--workers", "1"],
    }
    common = [
        "--tracking-uri",
        "http://127.0.0.1:9",
        "--set",
        "trainer.max_epochs=2",
        "--set",
        "models.lstm.dropout=0.1",
    ]
    for name, arguments in ways.items():
        done = seqbench("run", "--results", name, *common, *arguments)
        assert 0 == done.code, done.err
    found = {name: reproducible(tmp_path / name) for name in ways}
    assert {"ok"} == {record["status"] for record, _ in found["two"].values()}
    assert found["two"] == found["one"]
    assert found["two"] == found["inline"]
    alone = found["alone"]
    assert alone == {cell: found["two"][cell] for cell in alone}
    assert 5 < len(alone)
    assert {True} == {record["environment"]["determinism"]["bitwise"] for record, _ in alone.values()}
