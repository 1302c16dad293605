"""MLflow's own pages in a browser, with nothing set up by hand: the boards, their charts, and a comparison."""

from __future__ import annotations

import re
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

Served = tuple[Tracker, list[CellRecord]]

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")

NAME = "attributes.`Run Name`"
"""The column of the run's name."""

CELLS = """() => {
  const rows = {};
  for (const cell of document.querySelectorAll(".ag-row [col-id]")) {
    const index = cell.closest(".ag-row").getAttribute("row-index");
    (rows[index] ??= {})[cell.getAttribute("col-id")] = cell.innerText.trim().split("\\n").pop();
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
    """A new page, 1400 pixels wide, of somebody who has met MLflow's assistant before: it opens once, by itself."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 1000})
    context.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")
    page = context.new_page()
    page.set_default_timeout(WAIT)
    yield page
    context.close()


def table(page: Page, address: str) -> list[dict[str, str]]:
    """The rows that the page at the address shows, from the top, by column."""
    page.goto(address)
    page.locator('.ag-row [col-id="tags.`score`"]').first.wait_for()
    rows: list[dict[str, str]] = page.evaluate(CELLS)
    return rows


def of_runs(served: Served, task: str) -> list[dict[str, str]]:
    """What the tracker wrote of a board: name, rank, score and ties of each row, in the order of places."""
    client = served[0].connect()
    experiment = client.get_experiment_by_name(f"seqbench/{task}")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.\"seqbench.current\" = 'true'")
    runs.sort(key=lambda run: run.data.metrics["position"])
    return [
        {
            "name": str(run.info.run_name),
            "score": run.data.tags["score"],
            "ties": run.data.tags["ties"],
            "rank": f"{run.data.metrics['rank']:.0f}",
        }
        for run in runs
    ]


def test_the_page_of_a_board_shows_the_models_in_rank_order(page: Page, ui: Ui, served: Served) -> None:
    """The printed address shows the model-level runs only, the best first, with rank, score and interval, and ties."""
    shown = table(page, ui.boards["shapes@builtin"])
    expected = of_runs(served, "shapes@builtin")
    assert ["gru", "lstm", "rnn", "majority"] == [row["name"] for row in expected]
    assert expected == [
        {
            "name": row[NAME],
            "score": row["tags.`score`"],
            "ties": row["tags.`ties`"],
            "rank": row["metrics.`rank`"],
        }
        for row in shown
    ]
    assert re.fullmatch(r"0\.8\d+ ± 0\.\d+", shown[0]["tags.`score`"])


def test_what_matters_is_seen_without_scrolling(page: Page, ui: Ui) -> None:
    """At 1400 pixels rank, model, score with interval, ties and costs are within the window, in this order."""
    table(page, ui.boards["shapes@builtin"])
    columns = ("metrics.`rank`", "tags.`score`", "tags.`ties`", "metrics.`parameters`", "metrics.`macs`")
    names = [NAME, *columns, "metrics.`train_seconds`", "metrics.`latency_p50_ms`"]
    boxes = [page.locator(f'.ag-header-cell[col-id="{name}"]').bounding_box() for name in names]
    ends = [end for box in boxes if box for end in (box["x"], box["x"] + box["width"])]
    assert 2 * len(names) == len(ends)
    assert sorted(ends) == pytest.approx(ends, abs=1)
    assert ends[-1] <= WIDTH


def test_a_board_opens_under_model_training(page: Page, ui: Ui) -> None:
    """The printed address opens MLflow's "Model training", whatever it opens by itself, and says who wins."""
    table(page, ui.boards["shapes@builtin"])
    assert "workflowType=machine_learning" in page.url
    assert page.get_by_role("link", name="Runs").first.is_visible()
    assert 0 == page.get_by_role("link", name="Evaluation runs").count()
    assert page.get_by_text("gru and lstm are tied for first").first.is_visible()


def test_the_board_over_tasks_comes_first(page: Page, ui: Ui, served: Served) -> None:
    """The overall address shows a run per model in the order of places, with IQM and the rank on each task."""
    shown = table(page, ui.boards["overall"])
    client = served[0].connect()
    experiment = client.get_experiment_by_name("seqbench/overall")
    assert experiment is not None
    runs = sorted(client.search_runs([experiment.experiment_id]), key=lambda run: run.data.metrics["position"])
    assert [(run.info.run_name, run.data.tags["score"]) for run in runs] == [
        (row[NAME], row["tags.`score`"]) for row in shown
    ]
    assert {"1", "3"} == {row["metrics.`rank/shapes`"] for row in shown}


def test_the_charts_show_all_models_at_once(page: Page, ui: Ui) -> None:
    """Without set-up the chart view has a bar per row of the board, parallel coordinates, and score against cost."""
    page.set_viewport_size({"width": WIDTH, "height": 3000})
    page.goto(f"{ui.boards['shapes@builtin']}&compareRunsMode=CHART")
    page.locator(".bars .point").first.wait_for()
    page.locator(".parcoords .dimension").first.wait_for()
    page.locator(".scatterlayer .point").first.wait_for()
    assert 4 == page.locator(".barlayer").first.locator(".point").count()
    axes = page.locator(".parcoords .dimension .label").all_text_contents()
    assert ["label", "parameters", "accuracy"] == [axes[0], axes[1], axes[-1]]
    assert 3 == page.locator(".scatterlayer").first.locator(".point").count()
    for heading in ("Who is best", "What it costs", "Quality against cost"):
        assert page.get_by_text(heading).first.is_visible()


def test_a_comparison_of_all_models_needs_no_set_up(page: Page, ui: Ui) -> None:
    """Selecting all rows of a board and pressing "Compare" compares them, with a plot over what they have in common."""
    table(page, ui.boards["shapes@builtin"])
    page.locator(".ag-header .ag-checkbox-input").first.click()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("Comparing 4 Runs from 1 Experiment").wait_for()
    page.locator(".parcoords .y-axis, .parcoords .axis-title").first.wait_for()
    for name in ("gru", "lstm", "rnn", "majority", "rank", "accuracy_ci_low", "accuracy_ci_high"):
        page.get_by_text(name, exact=True).first.wait_for(state="attached")


def test_newer_pages_list_the_board_as_a_saved_view(page: Page, ui: Ui) -> None:
    """Under "Views", where this MLflow has that button, the board is offered to whoever came another way."""
    page.goto(ui.boards["shapes@builtin"].partition("?")[0] + "?workflowType=machine_learning")
    page.locator(".ag-row").first.wait_for()
    button = page.get_by_test_id("saved-views-trigger")
    if not button.count():
        pytest.skip("this MLflow has no saved views")
    button.click()
    page.get_by_text("Board", exact=True).click()
    page.locator('.ag-row [col-id="tags.`score`"]').first.wait_for()
    rows: list[dict[str, str]] = page.evaluate(CELLS)
    assert ["gru", "lstm", "rnn", "majority"] == [row[NAME] for row in rows]
