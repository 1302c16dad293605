"""Make `docs/images/`: pictures of what seqbench shows, taken in headless Chromium.

`python scripts/make_screenshots.py RESULTS` writes the report of a results folder into a temporary folder and takes its
picture on a screen and on a phone. It needs Playwright, Pillow, and Chromium at /usr/bin/chromium or where `CHROMIUM`
says.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
from pathlib import Path
from typing import Any

from seqbench.report.page import write
from seqbench.store import Store

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
COLOURS = 128
"""So many colours are enough for text and lines; the files are a third as large as with all of them."""


def save(picture: bytes, file: Path) -> None:
    """Write a PNG with a palette of its own."""
    from PIL import Image

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file}: {image.width} x {image.height}, {file.stat().st_size / 1000:.0f} kB")  # noqa: T201 - a script


def picture(browser: Any, address: str, width: int, height: int, scale: int = 1) -> bytes:
    """The top of a page, in light colours."""
    page = browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=scale, color_scheme="light"
    )
    page.goto(address)
    shot: bytes = page.screenshot()
    page.close()
    return shot


def report(browser: Any, results: Path) -> None:
    """The report on a screen and on a phone."""
    with tempfile.TemporaryDirectory() as folder:
        address = write(Store(results), Path(folder)).as_uri()
        save(picture(browser, address, 1400, 1640), IMAGES / "report.png")
        save(picture(browser, address, 390, 1480, scale=2), IMAGES / "report-phone.png")


def main() -> None:
    """Take all pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Take the pictures in docs/images.")
    parser.add_argument("results", type=Path, help="a results folder, of the default run for the pictures in the docs")
    results = parser.parse_args().results.absolute()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        report(browser, results)
        browser.close()


if __name__ == "__main__":
    main()
