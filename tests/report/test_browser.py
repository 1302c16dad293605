"""The report in a real browser: sorting, filtering, dark mode, phones, and nothing fetched."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from made_results import a_record, failed, forecasting, write_results
from seqbench.records import CellRecord
from seqbench.report.page import write
from seqbench.store import Store

LONG = "gru[" + ",".join(f"models_setting_{place}=value_{place}" for place in range(20)) + "]"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1400, "height": 900}


def varied(record: CellRecord) -> CellRecord:
    """Tasks of both kinds, and a model that fails on one of them."""
    if record.task == "prices":
        return forecasting(record)
    return failed(record) if (record.task, record.model) == ("words", "lstm") else record


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a folder with two kinds of tasks, failures and a very long label."""
    folder = write_results(tmp_path_factory.mktemp("report") / "results", ("words", "prices"), change=varied)
    store = Store(folder)
    for seed in range(2):
        store.append(a_record("words", LONG, seed), {})
    return write(store)


class Seen:
    """A page with what it asked the network for and what it complained of."""

    def __init__(self, browser: Any, file: Path, viewport: dict[str, int], **context: Any) -> None:
        self.context = browser.new_context(viewport=viewport, **context)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.goto(file.as_uri())

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def unfold(self) -> None:
        """Open all that is folded."""
        self.page.evaluate("for (const item of document.querySelectorAll('details')) item.open = true")

    def column(self, number: int) -> list[str]:
        """The visible texts of a column of the first board, hints for screen readers left out."""
        rows = self.page.locator("table.board >> nth=0").locator("tbody tr:visible")
        return [
            rows.nth(place).locator("th, td").nth(number).inner_text().split("\n")[0] for place in range(rows.count())
        ]


@pytest.fixture
def desk(browser: Any, report: Path) -> Iterator[Seen]:
    """The report on a screen."""
    seen = Seen(browser, report, DESK)
    yield seen
    seen.context.close()


@pytest.fixture
def phone(browser: Any, report: Path) -> Iterator[Seen]:
    """The report on a phone, with everything unfolded."""
    seen = Seen(browser, report, PHONE)
    seen.unfold()
    yield seen
    seen.context.close()


def test_nothing_is_fetched_and_nothing_complains(desk: Seen, report: Path) -> None:
    """The page asks for itself alone, and the console stays empty, with all folds open."""
    desk.unfold()
    desk.page.mouse.wheel(0, 20_000)
    assert [report.as_uri()] == [url for url in desk.requests if not url.startswith("data:")]
    assert [] == desk.complaints


def test_the_first_thing_seen_is_who_wins(desk: Seen) -> None:
    """A sentence on the winners of each task stands on the first screen, before any table."""
    boxes = [desk.page.locator(".verdict").nth(place).bounding_box() for place in range(2)]
    assert all(box["y"] + box["height"] < DESK["height"] for box in boxes)
    texts = desk.page.locator(".verdict .lead").all_inner_texts()
    assert "gru, lstm and rnn are tied" in texts[0] or "first" in texts[0]
    assert boxes[1]["y"] < desk.page.locator("table").first.bounding_box()["y"]


def test_a_heading_sorts_both_ways_and_says_so(desk: Seen) -> None:
    """A click on a heading sorts by it, a second one the other way; `aria-sort` says which, on that heading alone."""
    table = desk.page.locator("table.board >> nth=0")
    heading = table.locator("thead th", has_text="seeds")
    number = [text.split("\n")[0] for text in table.locator("thead th").all_inner_texts()].index("seeds")
    before = desk.column(1)
    heading.locator("button").click()
    rising = [int(text) for text in desk.column(number)]
    assert (sorted(rising), "ascending") == (rising, heading.get_attribute("aria-sort"))
    heading.locator("button").click()
    falling = [int(text) for text in desk.column(number)]
    assert (sorted(falling, reverse=True), "descending") == (falling, heading.get_attribute("aria-sort"))
    assert 1 == table.locator("th[aria-sort=ascending], th[aria-sort=descending]").count()
    table.locator("thead th", has_text="rank").locator("button").click()
    assert before == desk.column(1)


def test_rows_without_a_value_stay_last(desk: Seen) -> None:
    """Whichever way a column is sorted, what has no value in it stands at the end."""
    second = desk.page.locator("#task-2 table.board")
    heading = second.locator("thead th", has_text="accuracy").locator("button")
    for _ in range(2):
        heading.click()
        assert "\N{EN DASH}" == second.locator("tbody tr").last.locator("td").nth(0).locator("span").first.inner_text()


def test_the_keyboard_reaches_and_sorts(desk: Seen) -> None:
    """Tab leads from the skip link to the headings, Enter sorts, and what has the focus has an outline."""
    desk.page.keyboard.press("Tab")
    assert "Skip to the results" == desk.page.evaluate("document.activeElement.textContent")
    for _ in range(40):
        desk.page.keyboard.press("Tab")
        if "model" == desk.page.evaluate("document.activeElement.textContent"):
            break
    outline = desk.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    desk.page.keyboard.press("Enter")
    names = desk.column(1)
    assert (sorted(names), "solid") == (names, outline)


def test_the_filter_hides_other_models_and_tells_how_many_are_left(desk: Seen) -> None:
    """What is typed leaves the models whose names hold it, in boards and figures, and a live region counts them."""
    count = desk.page.locator("#filter-count")
    assert ("polite", "9 rows") == (count.get_attribute("aria-live"), count.inner_text())
    desk.page.get_by_label("Filter models").fill("rnn")
    assert (["rnn"], "2 of 9 rows") == (desk.column(1), count.inner_text())
    desk.unfold()
    captions = desk.page.locator("figure[data-model]:visible figcaption").all_inner_texts()
    assert len(captions) > 2
    assert all("rnn" in caption for caption in captions)
    desk.page.keyboard.press("Escape")
    assert "9 rows" == count.inner_text()


def test_baselines_can_be_hidden(desk: Seen) -> None:
    """Without the tick, baselines leave every board, and come back with it."""
    desk.page.get_by_label("baselines").uncheck()
    assert 0 == desk.page.locator("tr.baseline:visible").count()
    desk.page.get_by_label("baselines").check()
    assert 2 == desk.page.locator("table.board tr.baseline:visible").count()


def colours(page: Any) -> tuple[str, str]:
    """Of the paper and the ink."""
    style = "getComputedStyle(document.body)"
    return page.evaluate(f"{style}.backgroundColor"), page.evaluate(f"{style}.color")


def test_the_theme_follows_the_system_and_the_button_stays(browser: Any, report: Path) -> None:
    """The page starts in the system's theme; the button changes it, says so, and is remembered."""
    for scheme, other in (("light", "dark"), ("dark", "light")):
        seen = Seen(browser, report, DESK, color_scheme=scheme)
        button = seen.page.get_by_role("button", name="Dark")
        assert str(scheme == "dark").lower() == button.get_attribute("aria-pressed")
        before = colours(seen.page)
        button.click()
        after = colours(seen.page)
        assert before != after
        seen.page.reload()
        assert (after, other) == (colours(seen.page), seen.page.evaluate("document.documentElement.dataset.theme"))
        seen.context.close()


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast(browser: Any, report: Path, scheme: str) -> None:
    """Every colour of text stands out by 4.5 to 1 from the paper, in both themes (WCAG 2.2 AA)."""
    seen = Seen(browser, report, DESK, color_scheme=scheme)
    paper = luminance(colours(seen.page)[0])
    every = seen.page.evaluate(
        "[...new Set([...document.querySelectorAll('p,th,td,a,small,caption,figcaption,li,h1,button,summary')]"
        ".map(item => getComputedStyle(item).color))]"
    )
    for colour in every:
        low, high = sorted((luminance(colour), paper))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour
    assert len(every) >= 3
    seen.context.close()


def test_a_phone_shows_it_without_sideways_scrolling(phone: Seen) -> None:
    """At 390 pixels nothing is wider than the screen, long labels and open folds included; tables scroll inside."""
    assert 390 == phone.page.evaluate("document.documentElement.scrollWidth")
    widest = phone.page.evaluate(
        "Math.max(...[...document.querySelectorAll('.scroll')].map(box => box.scrollWidth - box.clientWidth))"
    )
    assert widest > 0


def test_screen_readers_get_names_for_everything(desk: Seen) -> None:
    """Tables have captions and row headings, drawings a title and a description, headings do not skip a level."""
    desk.unfold()
    assert 0 == desk.page.locator("table:not(:has(caption))").count()
    assert 0 == desk.page.locator("tbody tr:not(:has(th[scope=row])):not(:has(td.num:first-child))").count()
    drawings = desk.page.locator("svg[role=img]")
    unnamed = desk.page.evaluate(
        "[...document.querySelectorAll('svg[role=img]')].filter(item => item.getAttribute('aria-labelledby').split(' ')"
        ".some(name => !document.getElementById(name)?.textContent)).length"
    )
    assert drawings.count() > 10
    assert 0 == unnamed
    assert 0 == desk.page.locator("svg:not([role=img]):not([aria-hidden=true])").count()
    levels = desk.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(item => Number(item.tagName[1]))")
    assert 1 == levels.count(1)
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = desk.page.evaluate("[...document.querySelectorAll('[id]')].map(item => item.id)")
    assert len(set(ids)) == len(ids)


def test_on_paper_everything_is_unfolded(desk: Seen) -> None:
    """Printing opens what is folded and leaves out what only works on a screen."""
    assert desk.page.locator("details:not([open])").count() > 0
    desk.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    desk.page.emulate_media(media="print")
    assert 0 == desk.page.locator("details:not([open])").count()
    assert not desk.page.locator("#filter").is_visible()
    desk.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert desk.page.locator("details:not([open])").count() > 0


def test_a_thousand_cells_stay_small_and_open_fast(browser: Any, tmp_path: Path, record_property: Any) -> None:
    """1,000 cells with their epochs are a page of less than 5 MB that a browser can open."""
    models = [*(f"model_{place}" for place in range(19)), "gru", "majority"]
    tasks = [f"task_{place}" for place in range(10)]
    file = write(Store(write_results(tmp_path, tasks, models, seeds=5, with_predictions=False)))
    begin = time.monotonic()
    seen = Seen(browser, file, DESK)
    seen.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seconds = time.monotonic() - begin
    record_property("seconds", seconds)
    assert "210 rows" == seen.page.locator("#filter-count").inner_text()
    assert 1010 == len(Store(tmp_path).outcomes())
    assert file.stat().st_size < 5_000_000
    assert seconds < 20
    seen.context.close()
