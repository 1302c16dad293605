"""MLflow's own pages in a browser, with nothing set up by hand: the boards, their charts, and a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlflow_servers import Ui
from seqbench.records import CellRecord
from seqbench.tracking.tracker import Tracker

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
WAIT = 60_000
WIDTH = 1400

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")

CELLS = """() => {
  const rows = {};
  for (const cell of document.querySelectorAll(".ag-row [col-id]")) {
    const index = cell.closest(".ag-row").getAttribute("row-index");
    (rows[index] ??= {})[cell.getAttribute("col-id")] = cell.innerText.trim();
  }
  return Object.keys(rows).map(Number).sort((one, other) => one - other).map(index => rows[index]);
}"""
"""Of the table on the page, each row's texts by column."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-background-networking"]
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page, 1400 pixels wide."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 1000})
    yield page
    page.close()


def table(page: Page, address: str) -> list[dict[str, str]]:
    """The rows that the page at the address shows, from the top, by column."""
    page.goto(address)
    page.locator(".ag-center-cols-container .ag-row").first.wait_for(timeout=WAIT)
    page.locator('.ag-row [col-id="tags.`seqbench.score`"]').first.wait_for(timeout=WAIT)
    rows: list[dict[str, str]] = page.evaluate(CELLS)
    return rows


def of_runs(served: tuple[Tracker, list[CellRecord]], task: str) -> list[dict[str, str]]:
    """What the tracker wrote of a board: name, rank, score and letters of each row, in the order of places."""
    client = served[0].connect()
    experiment = client.get_experiment_by_name(f"seqbench/{task}")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.\"seqbench.current\" = 'true'")
    runs.sort(key=lambda run: run.data.metrics["position"])
    return [
        {
            "name": str(run.info.run_name),
            "score": run.data.tags["seqbench.score"],
            "letters": run.data.tags.get("seqbench.letters", ""),
            "rank": f"{run.data.metrics['rank']:.0f}",
        }
        for run in runs
    ]


def test_the_page_of_a_board_shows_the_models_in_rank_order(
    page: Page, ui: Ui, served: tuple[Tracker, list[CellRecord]]
) -> None:
    """The printed address shows the model-level runs only, the best first, with rank, score and interval, and ties."""
    shown = table(page, ui.boards["shapes@builtin"])
    expected = of_runs(served, "shapes@builtin")
    assert ["gru", "lstm", "rnn", "majority"] == [row["name"] for row in expected]
    assert expected == [
        {
            "name": row["tags.`mlflow.runName`"],
            "score": row["tags.`seqbench.score`"],
            "letters": row["tags.`seqbench.letters`"],
            "rank": row["metrics.`rank`"].partition(".")[0],
        }
        for row in shown
    ]
    assert "±" in shown[0]["tags.`seqbench.score`"]


@pytest.mark.parametrize(
    "column",
    [
        "tags.`mlflow.runName`",
        "metrics.`rank`",
        "tags.`seqbench.score`",
        "tags.`seqbench.letters`",
        "metrics.`accuracy_ci_low`",
        "metrics.`accuracy_ci_high`",
        "metrics.`parameters`",
        "metrics.`macs`",
        "metrics.`train_seconds`",
    ],
)
def test_what_matters_is_seen_without_scrolling(page: Page, ui: Ui, column: str) -> None:
    """At 1400 pixels rank, model, score, ties, interval and costs are within the window."""
    table(page, ui.boards["shapes@builtin"])
    box = page.locator(f'.ag-header-cell[col-id="{column}"]').bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= WIDTH
