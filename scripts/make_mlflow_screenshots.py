"""Make the screenshots of MLflow in `docs/images/` again: a task's board and its charts, from a results folder.

    python scripts/make_mlflow_screenshots.py results --task sentiment@builtin

The folder is copied, and what is shown is what `seqbench sync` and `seqbench ui` make of the copy. Needs Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqbench.tracking.links import board_links

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
SETTLE = 3000
"""Milliseconds until what moves on a page has come to rest."""
OF_MLFLOW = ("mlflow.db", "mlartifacts")


def main() -> None:
    """Parse the arguments, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="a results folder with two tasks or more")
    parser.add_argument("--task", default="sentiment@builtin", help="whose board is shown")
    parser.add_argument("--out", type=Path, default=IMAGES)
    parser.add_argument("--width", type=int, default=1400, help="of the window, in pixels")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        shutil.copytree(given.results, results, ignore=shutil.ignore_patterns(*OF_MLFLOW))
        seqbench = [sys.executable, "-m", "seqbench.cli"]
        subprocess.run([*seqbench, "sync", "--results", str(results)], check=True)
        with ui([*seqbench, "ui", "--results", str(results), "--port", "5600"]) as address:
            pages = {link.name: link.address for link in board_links(address)}
            take(pages[given.task], given.out, given.width)


@contextmanager
def ui(command: list[str]) -> Iterator[str]:
    """While inside, MLflow's UI answers at the address."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield next(line.split()[1] for line in process.stdout or () if line.startswith("MLflow: "))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def take(board: str, out: Path, width: int) -> None:
    """`mlflow-board.png` and `mlflow-charts.png`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-background-networking"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        context = browser.new_context(viewport={"width": width, "height": 640})
        # Its assistant opens by itself, once.
        context.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(board)
        page.locator('.ag-row [col-id="tags.`score`"]').first.wait_for()
        page.locator('[data-component-id="mlflow.experiment_page.shared_view.dismiss"]').click()
        page.wait_for_timeout(SETTLE)
        page.screenshot(path=out / "mlflow-board.png")
        page.set_viewport_size({"width": width, "height": 1100})
        page.goto(f"{board}&compareRunsMode=CHART")
        page.locator(".bars .point").first.wait_for()
        page.wait_for_timeout(SETTLE)
        page.screenshot(path=out / "mlflow-charts.png")
        browser.close()


if __name__ == "__main__":
    main()
