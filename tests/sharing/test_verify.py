"""Cells of an archive are trained again, and what is said of its claims is true."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqbench.records import CellRecord
from seqbench.sharing.judge import FALSE, IDENTICAL, NOT_TRIED, WITHIN, judged
from seqbench.sharing.verify import drawn
from seqbench.store import Store, encode
from shared_results import record, results
from whole_runs import NO_MLFLOW


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained") / "results"


@pytest.fixture
def claims(seqbench: Callable[..., Any], toy: str, trained: Path, tmp_path: Path) -> Path:
    """A results folder of real cells of the toy task, trained once: two seeds and the baseline."""
    if not trained.exists():
        toy_run = ("run", "--plugin", toy, "--tasks", "toy", "--models", "toy_gru", "--seeds", "0-1")
        done = seqbench(*toy_run, "--set", "trainer.max_epochs=1", "--results", str(trained), *NO_MLFLOW)
        assert 0 == done.code, done.err
    shutil.copytree(trained, tmp_path / "results")
    return tmp_path / "results"


def altered(folder: Path, change: Callable[[CellRecord], CellRecord]) -> None:
    """Change every record of a trained model, with a good checksum: a claim that is not true."""
    store = Store(folder)
    records = [item if item.is_baseline else change(item) for item in store.records()]
    store.records_path.write_bytes(b"".join(map(encode, records)))


def there(folder: Path) -> list[Path]:
    """All that lies in a folder, but for what measuring the tests' coverage leaves where a process ran."""
    return sorted(path for path in folder.rglob("*") if not path.name.startswith(".coverage"))


def test_true_claims_hold(seqbench: Callable[..., Any], claims: Path, toy: str, tmp_path: Path) -> None:
    """Cells of an archive, trained again on the same machine, are identical bit for bit; nothing else is written."""
    assert 0 == seqbench("export", "a.zip").code
    before = there(tmp_path)
    done = seqbench("verify", "a.zip", "--plugin", toy, "--seed", "3", "--json")
    assert 0 == done.code, done.err
    found = json.loads(done.out)
    assert (3, {"identical": 3}) == (found["seed"], found["counts"])
    assert all(cell["claimed"] == cell["found"] for cell in found["cells"])
    assert before == there(tmp_path)


def test_false_claims_do_not(seqbench: Callable[..., Any], claims: Path, toy: str) -> None:
    """A metric that its own predictions do not give is found out, and the exit code says so."""
    altered(claims, lambda item: replace(item, metrics={"accuracy": 0.99}))
    done = seqbench("verify", "results", "--plugin", toy)
    assert 1 == done.code, done.err
    assert 2 == done.out.count("does not hold: toy@builtin toy_gru[trainer.max_epochs=1]")
    assert "its predictions are the same, but do not give its accuracy" in done.out
    assert "identical: toy@builtin majority" in done.out


def test_scores_that_were_made_up_do_not_help(seqbench: Callable[..., Any], claims: Path, toy: str) -> None:
    """A column of scores with the claimed mean and a huge spread neither supports a claim nor makes it vague."""
    altered(claims, lambda item: replace(item, metrics={"accuracy": 0.99}))
    for path in claims.glob("cells/*toy_gru*/predictions.csv"):
        header, *lines = path.read_text().splitlines()
        forged = [f"{line.rsplit(',', 1)[0]},0.25,{1000.99 if i % 2 else -999.01}" for i, line in enumerate(lines)]
        assert "id,target,output_0,output_1" == header
        path.write_text("\n".join([f"{header},score", *forged]) + "\n")
    done = seqbench("verify", "results", "--plugin", toy)
    assert 1 == done.code, done.err
    assert 2 == done.out.count("its own predictions do not give the accuracy that it claims")


def test_odd_records_are_not_tried(seqbench: Callable[..., Any], claims: Path, toy: str) -> None:
    """What nobody's record would say, and metrics by other code of the task, are a sentence each; so is no size."""
    altered(claims, lambda item: replace(item, provenance={**item.provenance, "location": "~nobody-of-that-name/x"}))
    done = seqbench("verify", "results", "--plugin", toy)
    assert (1, 2) == (done.out.count("identical: toy@builtin"), done.out.count("cannot be tried: toy@builtin toy_gru"))
    assert "Traceback" not in done.err + done.out
    note = {"source_hash": "another", "version": "9.9"}
    altered(claims, lambda item: replace(item, provenance={**item.provenance, "location": "", "rescored": note}))
    done = seqbench("verify", "results", "--plugin", toy, "--cells", "9")
    assert 2 == done.out.count("its metrics were computed again by other code of the task (version 9.9)")
    done = seqbench("import", "a.zip", "--max-gb", "inf")
    assert (2, True) == (done.code, "--max-gb inf is no size" in done.err)


def test_what_cannot_be_tried(seqbench: Callable[..., Any], claims: Path, toy: str, tmp_path: Path) -> None:
    """A plugin that is missing or has other code, and a setting that is no file, are each a sentence; none is run."""
    done = seqbench("verify", "results")
    assert (2, 3) == (done.code, done.out.count("cannot be tried: toy@builtin"))
    assert "there is no task 'toy' here: give the plugin's file with --plugin" in done.out
    (tmp_path / "toy_plugin.py").write_text(Path(toy).read_text() + "\nNEW = 1\n")
    done = seqbench("verify", "results", "--plugin", "toy_plugin.py")
    assert (2, True) == (done.code, "the task's plugin has other code than the claim's" in done.out)
    done = seqbench("verify", "results", "--plugin", toy, "--set", "trainer.max_epochs=9")
    assert (2, True) == (done.code, "only parameters that name files can be given" in done.err)


def test_paths_of_an_archive_are_not_followed(
    seqbench: Callable[..., Any], claims: Path, toy: str, tmp_path: Path
) -> None:
    """Where an archive says that data lies is not looked at: it is asked for with --data, and compared."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a")

    def elsewhere(item: CellRecord) -> CellRecord:
        return replace(item, provenance={**item.provenance, "location": str(secret)})

    altered(claims, elsewhere)
    assert 0 == seqbench("export", "a.zip", "--model", "toy_gru").code
    done = seqbench("verify", "a.zip", "--plugin", toy)
    assert (2, 2) == (done.code, done.out.count(f"its data came from {secret}: give --data toy=SOURCE"))
    done = seqbench("verify", "a.zip", "--plugin", toy, "--data", f"toy={secret}")
    assert (2, 2) == (done.code, done.out.count("has not the files that it was trained on"))
    done = seqbench("verify", "a.zip", "--plugin", toy, "--data", "toy=builtin", "--cells", "1")
    assert (0, True) == (done.code, "1 identical" in done.out), done.err


def test_the_same_seed_draws_the_same_cells(tmp_path: Path) -> None:
    """Of all cells that ended ok, as many as asked for, each at most once; another seed draws others."""
    store = results(tmp_path / "results", *(record(seed=seed) for seed in range(20)))
    store.append(record("failed", status="failed"), {})
    first, of = drawn(store, 5, 1)
    assert (5, 20, 5) == (len(first), of, len({item.key for item in first}))
    assert first == drawn(store, 5, 1)[0]
    assert first != drawn(store, 5, 2)[0]
    assert 20 == len(drawn(store, 99, 1)[0])


def verdict(tmp_path: Path, claim: CellRecord, again: CellRecord, *seeds: CellRecord, output: str = "0.5") -> Any:
    """Of a claim and of what came out here, each with predictions of 100 examples, `again` with other outputs."""
    for folder, item, value in (("claims", claim, "0.5"), ("here", again, output)):
        right = round(100 * item.metrics.get("accuracy", 0.0))
        rows = [f"{i},{int(i < right)},{value},1.0" for i in range(100)]
        (tmp_path / folder / item.folder).mkdir(parents=True)
        text = "\n".join(["id,target,output_0,output_1", *rows])
        (tmp_path / folder / item.folder / "predictions.csv").write_text(text)
    return judged(claim, again, tmp_path / "claims", tmp_path / "here", [claim, *seeds], ["torch 2 here, 1 there"])


@pytest.mark.parametrize(("found", "expected"), [(0.80, IDENTICAL), (0.85, WITHIN), (0.75, WITHIN), (0.60, FALSE)])
def test_the_tolerance_comes_from_the_seeds(tmp_path: Path, found: float, expected: str) -> None:
    """Three standard deviations over the seeds are allowed: 0.06 where they spread by 0.02."""
    seeds = record(seed=1, accuracy=0.78), record(seed=2, accuracy=0.82)
    output = "0.5" if found == 0.80 else "0.4"
    said = verdict(tmp_path, record(accuracy=0.80), record(accuracy=found), *seeds, output=output)
    assert expected == said.verdict
    if expected != IDENTICAL:
        assert pytest.approx(0.06) == said.tolerance
        assert "3 standard deviations over its 3 seeds" == said.tolerance_is
    assert ("torch 2 here, 1 there",) == said.differs


@pytest.mark.parametrize(("found", "expected"), [(0.85, WITHIN), (0.70, FALSE)])
def test_one_seed_is_judged_by_its_examples(tmp_path: Path, found: float, expected: str) -> None:
    """Half the 95 % interval of 85 right of 100 is 1.984 * sqrt(0.85 * 0.15 / 99) = 0.0712, of 70 it is 0.0914."""
    said = verdict(tmp_path, record(accuracy=0.80), record(accuracy=found), output="0.4")
    assert expected == said.verdict
    assert pytest.approx({0.85: 0.0712, 0.70: 0.0914}[found], abs=1e-4) == said.tolerance
    assert "half the 95 % interval over 100 test examples" == said.tolerance_is


def test_a_claim_against_its_own_predictions(tmp_path: Path) -> None:
    """A score near enough to the one found, but not that of the claim's own predictions, does not hold."""
    claim = record(accuracy=0.80)
    said = verdict(tmp_path, claim, record(accuracy=0.80), output="0.4")
    assert WITHIN == said.verdict
    shutil.rmtree(tmp_path / "here")
    shutil.rmtree(tmp_path / "claims")
    folder = tmp_path / "claims" / claim.folder / "predictions.csv"
    verdict(tmp_path, claim, record(accuracy=0.80), output="0.4")
    folder.write_text(folder.read_text().replace("\n1,1,", "\n1,0,"))
    again = judged(claim, record(accuracy=0.80), tmp_path / "claims", tmp_path / "here", [claim], [])
    assert (FALSE, "its own predictions do not give the accuracy that it claims") == (again.verdict, again.reason)


@pytest.mark.parametrize(("status", "expected"), [("failed", FALSE), ("diverged", FALSE), ("oom", NOT_TRIED)])
def test_what_ends_badly_here(tmp_path: Path, status: str, expected: str) -> None:
    """A cell that fails here does not do what was claimed; one that this machine could not hold says nothing."""
    assert expected == verdict(tmp_path, record(), record(status=status)).verdict
