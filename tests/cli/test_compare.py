"""`seqbench compare`, `leaderboard --format` and `plan --resolve`, as processes over results folders."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from scored_results import classified, forecast


def seqbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seqbench.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("results")
    classified(folder, {"good": 0.9, "same": 0.89, "bad": 0.7, "majority": 0.5})
    forecast(folder, {"good": 1.0, "same": 1.0, "bad": 1.3})
    return str(folder)


def test_compare_says_who_is_better_and_where(results: str) -> None:
    """The difference, its interval, p before and after Holm, and examples on which they disagree, with their labels."""
    done = seqbench("compare", "good", "bad", "--task", "toy", "--results", results)
    assert 0 == done.returncode
    assert "good - bad: +0." in done.stdout
    assert "stepped down over the 6 pairs of the board (Holm)" in done.stdout
    assert "good is better." in done.stdout
    assert "text number" in done.stdout
    assert max(map(len, done.stdout.splitlines()[-5:])) <= 80


def test_compare_as_json_is_the_same_whichever_way_round(results: str) -> None:
    """All tasks in common are compared; naming the models in the other order changes only who is named first."""
    one, other = (
        json.loads(seqbench("compare", *names, "--results", results, "--json").stdout)
        for names in (("good", "bad"), ("bad", "good"))
    )
    assert ["closes@builtin", "toy@builtin"] == [item["task"] for item in one]
    assert [item["pair"] for item in one] == [item["pair"] for item in other]
    assert [item["differing_examples"] for item in one] == [item["differing_examples"] for item in other]
    assert {"no", "yes"} >= {example["target"] for example in one[1]["examples"]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("good", "baad"), "did you mean 'bad'"),
        (("good", "good"), "compared with itself"),
        (("good", "bad", "--task", "toi"), "there is no task 'toi'"),
        (("good", "majority", "--task", "closes"), "there is no result of 'majority'"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(results: str, arguments: tuple[str, ...], said: str) -> None:
    """An unknown model or task names the nearest one; exit code 2, no traceback."""
    done = seqbench("compare", *arguments, "--results", results)
    assert 2 == done.returncode
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_every_format_has_the_same_rows(results: str) -> None:
    """JSON, CSV, Markdown and LaTeX name every model; JSON with pairs has what holds over tasks, too."""
    texts = {
        style: seqbench("leaderboard", "--results", results, "--format", style).stdout
        for style in ("json", "csv", "markdown", "latex", "table")
    }
    assert all(name in text for text in texts.values() for name in ("good", "same", "bad", "majority"))
    full = json.loads(seqbench("leaderboard", "--results", results, "--format", "json", "--pairs").stdout)
    assert {"boards", "overall"} == set(full)
    assert {"good", "same", "bad"} == {row["model"] for row in full["overall"]["rows"]}
    assert 7 == len(json.loads(texts["json"]))


def test_the_table_says_who_is_tied_in_80_columns(results: str) -> None:
    """No line is wider than a terminal, with costs or without; the sentence below names the tie."""
    done = seqbench("leaderboard", "--results", results, "--costs")
    assert 0 == done.returncode
    assert "are tied for first" in done.stdout
    assert "seqbench measure takes them again alone" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_pairs_go_with_json_only(results: str) -> None:
    """An option that would change nothing is refused."""
    done = seqbench("leaderboard", "--results", results, "--pairs")
    assert (2, True) == (done.returncode, "--pairs goes with --format json" in done.stderr)
