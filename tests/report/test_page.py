"""`seqbench report`: what is on the page, whatever the results folder holds."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_results import a_record, failed, forecasting, write_results
from seqbench.board import Overall, OverallRow
from seqbench.records import CellRecord, Costs
from seqbench.report import across, commands, confusions
from seqbench.report.page import write
from seqbench.store import Store

HOSTILE = (
    "<script>alert('x')</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg></style><iframe src=https://example.org>",
    "{{ 7 * 7 }}{% raw %}",
    "\x00\x1b[31m\ud800\u202e]]>&amp;",
    "long " * 200,
)


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All texts, spaces made single."""
        return " ".join(" ".join(self.texts).split())


def page_of(results: Path) -> Page:
    """The report of a results folder, parsed."""
    return Page(write(Store(results)).read_text(encoding="utf-8"))


def hostile(record: CellRecord) -> CellRecord:
    """The record with a hostile text wherever a plugin can put one."""
    place = record.seed % len(HOSTILE)
    text = HOSTILE[place]
    changed = replace(
        record,
        label=f"{text}{place}",
        series=f"{record.series}{place}",
        remarks=(text,),
        output={"kind": "classes", "labels": [f"{text}{number}" for number in range(5)]},
        environment={**record.environment, "cpu": text},
        provenance={"location": text, "seqbench": text, "task": {"distribution": text}},
        parameters={"model": {text: text}, "trainer": {text: text}, "task": {text: text}},
        data={"fingerprint": text, "sizes": [text, 1, 2], "notes": {"warnings": [text]}},
        metrics={**record.metrics, text: 0.5},
    )
    return failed(changed, text, text) if record.task == text else changed


def test_what_records_say_is_text(tmp_path: Path) -> None:
    """Markup in names, labels, reasons and remarks stands on the page as text; none of it becomes an element."""
    results = write_results(tmp_path, ("words", HOSTILE[0]), ("gru", "majority"), seeds=6, change=hostile)
    page = page_of(results)
    plain = page_of(write_results(tmp_path / "plain"))
    assert {"script": 1, "style": 1} == {tag: page.tags.count(tag) for tag in ("script", "style")}
    assert set(page.tags) - set(plain.tags) <= {"pre", "sup"}
    assert [] == [name for name, _ in page.attributes if name.startswith("on")]
    assert [] == [value for name, value in page.attributes if name in ("src", "href") and not _is_inside(value)]
    assert HOSTILE[0] in page.text
    assert "\u202e" not in page.text.partition("Who wins")[2].partition("Board")[0]
    assert "{{ 7 * 7 }}" in page.text


def _is_inside(address: str | None) -> bool:
    return bool(address) and str(address).startswith(("#", "data:,"))


def test_a_hostile_page_runs_nothing(browser: Any, tmp_path: Path) -> None:
    """In a browser, hostile records open no dialog, fetch nothing, and make no page wider than a phone."""
    file = write(Store(write_results(tmp_path, ("words", HOSTILE[0]), ("gru",), seeds=6, change=hostile)))
    page = browser.new_page(viewport={"width": 390, "height": 844})
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))

    def refuse(dialog: Any) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.on("console", lambda message: seen.append(message.text))
    page.goto(file.as_uri())
    page.evaluate("for (const item of document.querySelectorAll('details')) item.open = true")
    assert [file.as_uri()] == [url for url in seen if not url.startswith("data:")]
    assert 390 == page.evaluate("document.documentElement.scrollWidth")
    page.close()


def test_the_same_records_give_the_same_page(tmp_path: Path) -> None:
    """Written twice, into other folders, the page is the same to the byte: no clock and no chance is in it."""
    store = Store(write_results(tmp_path / "results"))
    assert write(store, tmp_path / "a").read_bytes() == write(store, tmp_path / "b").read_bytes()


def test_without_predictions_there_is_all_that_records_tell(tmp_path: Path) -> None:
    """A folder without stored predictions has boards, curves and provenance, and no matrix or forecast."""
    with_them = page_of(write_results(tmp_path / "with"))
    page = page_of(write_results(tmp_path / "without", with_predictions=False))
    assert "Confusion matrices" in with_them.text
    assert "Confusion matrices" not in page.text
    for heading in ("Learning curves", "Every pair", "How it was run", "Over all tasks"):
        assert heading in page.text


def test_a_task_that_only_failed_says_why(tmp_path: Path) -> None:
    """A task without any result has a board with the failures counted, and the reason and the traceback below."""
    page = page_of(
        write_results(tmp_path, ("words",), ("gru",), change=lambda record: failed(record, "no such <layer>"))
    )
    assert "No cell of this task has a result." in page.text
    assert "3 failed" in page.text
    assert "ValueError : no such <layer>" in page.text
    assert "Traceback ..." in page.text
    assert "Scores and costs" not in page.text


@pytest.mark.parametrize("with_predictions", [True, False])
def test_one_model_with_one_seed_is_enough(tmp_path: Path, with_predictions: bool) -> None:
    """A single cell is a page: the only row, its curve, nothing to compare and nothing over tasks."""
    results = write_results(tmp_path, ("words",), ("gru",), seeds=1, with_predictions=with_predictions)
    page = page_of(results)
    assert "gru is the only row with a result." in page.text
    assert "Learning curves" in page.text
    assert "Every pair" not in page.text
    assert "Over all tasks" not in page.text


def test_records_of_an_older_version_are_shown(tmp_path: Path) -> None:
    """Records without provenance, environment, device or newer costs still make a page."""

    def bare(record: CellRecord) -> CellRecord:
        return replace(
            record, provenance={}, environment={}, data={}, parameters={}, device_kind="", costs=Costs(fit_seconds=1.0)
        )

    page = page_of(write_results(tmp_path, change=bare))
    assert "seqbench run --tasks reviews,words --models gru,lstm,rnn --seeds 0-2" in page.text


def test_a_model_that_no_baseline_fears_is_marked(tmp_path: Path) -> None:
    """A row that is not better than the best baseline says so in words, on its board and in the first sentences."""

    def weak(record: CellRecord) -> CellRecord:
        return replace(record, metrics={"accuracy": 0.1}) if record.model == "rnn" else record

    page = page_of(write_results(tmp_path, ("words",), change=weak, with_predictions=False))
    assert "not better than the best baseline" in page.text
    assert "Not better than the best baseline (majority): rnn." in page.text


def test_shared_costs_are_marked(tmp_path: Path) -> None:
    """Clocks and memory that were taken while other cells ran have a star; parameters have none."""
    text = write(Store(write_results(tmp_path, ("words",), ("gru", "lstm")))).read_text()
    assert "* measured while other cells ran on the same machine" in text
    assert re.search(r'data-v="[\d.]+">[\d.]+<sup>\*</sup>', text)


def test_forecasts_are_drawn_against_what_happened(tmp_path: Path) -> None:
    """A forecasting task has a figure per row with lines over time and a cloud, thinned to some hundred points."""
    results = write_results(tmp_path, ("prices",), ("gru", "lstm"), change=forecasting)
    text = write(Store(results)).read_text()
    assert 2 == text.count('class="cloud"')
    cloud = re.search(r'class="cloud" d="([^"]+)"', text)
    assert cloud
    assert 300 == cloud[1].count("M")
    assert "line at 150 of 300 examples" in text


def test_a_matrix_is_summed_over_seeds(tmp_path: Path) -> None:
    """The confusion matrix of a model holds the answers of all its seeds."""
    results = write_results(tmp_path, ("words",), ("gru",))
    records = Store(results).records()
    found = confusions.summed(records, results)
    assert found
    counts, labels, seeds = found
    assert (3 * 60, 5, 3) == (int(counts.sum()), len(labels), seeds)
    right = sum(record.metrics["accuracy"] * 60 for record in records)
    assert round(right) == int(np.trace(counts))
    assert f"{180 - round(right)} of 180 answers are wrong" in page_of(results).text


def test_predictions_that_are_not_the_records_are_told(tmp_path: Path) -> None:
    """A damaged file of predictions costs its own figure, and the page says which and why."""
    results = write_results(tmp_path, ("words",), ("gru", "lstm"))
    (damaged,) = (record for record in Store(results).records() if (record.label, record.seed) == ("gru", 1))
    (results / damaged.folder / "predictions.csv").write_text("id,target\na,1\n")
    page = page_of(results)
    assert "gru: the stored predictions cannot be shown" in page.text
    assert "lstm, summed over 3 seeds" in page.text


def test_nothing_outside_the_results_folder_is_read(tmp_path: Path) -> None:
    """A record whose folder leads elsewhere has no predictions, whatever lies there."""
    elsewhere = write_results(tmp_path / "elsewhere", ("words",), ("gru",), seeds=1)
    (there,) = Store(elsewhere).records()
    store = Store(tmp_path / "results")
    store.create()
    store.append(replace(there, folder=f"../elsewhere/{there.folder}"), {})
    assert "Confusion matrices" not in page_of(store.folder).text


def test_of_code_that_was_changed_the_newest_counts(tmp_path: Path) -> None:
    """Records of an older series under the same name are on no board, and a note says how many they are."""
    results = write_results(tmp_path, ("words",), ("gru", "lstm"))
    newer = replace(a_record("words", "gru", 0), key="a" * 64, series="b" * 64, finished_at=1_800_000_000.0)
    Store(results).append(newer, {})
    assert "3 records of earlier code or data stand under the same names" in page_of(results).text


def test_the_command_prints_the_path(seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """`seqbench report` writes into the results folder, or into --out, which it makes, and prints the file's path."""
    write_results(tmp_path / "results", ("words",), ("gru",), seeds=1)
    done = seqbench("report")
    assert (0, str(tmp_path / "results" / "report.html")) == (done.code, done.out.strip())
    done = seqbench("report", "--out", "pages/today")
    assert (0, str(tmp_path / "pages" / "today" / "report.html")) == (done.code, done.out.strip())
    assert Path(done.out.strip()).read_bytes() == (tmp_path / "results" / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--results", "nowhere"), "there are no records in "),
        (("--out", "results/records.jsonl"), "--out results/records.jsonl is a file: give a folder"),
        (("--out", "results/records.jsonl/deeper"), "cannot write "),
    ],
)
def test_what_cannot_be_is_one_sentence(
    seqbench: Callable[..., Any], tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """An empty folder, or an --out that cannot be written, is one clear line and exit code 2."""
    write_results(tmp_path / "results", ("words",), ("gru",), seeds=1)
    done = seqbench("report", *arguments)
    assert 2 == done.code
    assert done.err.startswith(f"error: {said}")
    assert 1 == len(done.err.splitlines())


def test_a_torn_line_is_told(tmp_path: Path) -> None:
    """A line of records that had to be left out stands on the page with its number."""
    results = write_results(tmp_path, ("words",), ("gru",))
    with (results / "records.jsonl").open("a") as file:
        file.write('{"key": "torn')
    assert "records.jsonl line 4 is torn or no record" in page_of(results).text


def labelled(label: str, **changed: Any) -> Iterator[CellRecord]:
    """Three seeds of a row."""
    for seed in range(3):
        yield a_record("words", label, seed, **changed)


def test_commands_are_read_back_from_records() -> None:
    """What differs from the defaults, the data and the seeds become options; like selections share a command."""
    records = [*labelled("gru"), *labelled("lstm"), *labelled("majority")]
    assert ["seqbench run --tasks words --models gru,lstm --seeds 0-2"] == commands.commands(records)
    records = list(labelled("gru[trainer.max_epochs=3,words=[1,2]]", provenance={"location": "/data/my words.csv"}))
    expected = (
        "seqbench run --tasks words --models gru --seeds 0-2 --data 'words=/data/my words.csv' "
        "--set trainer.max_epochs=3 --set 'models.gru.words=[1,2]'"
    )
    assert [expected] == commands.commands(records)
    assert "0-2,5,7-8" == commands.span([8, 7, 0, 1, 2, 5])


def test_a_command_plans_the_cell_that_it_was_read_from(seqbench: Callable[..., Any]) -> None:
    """What `seqbench plan` makes of such a command has the label, the task and the seeds of the records."""
    label, task = "gru[hidden_size=8,trainer.max_epochs=2]", "stock_forecasting"
    record = a_record(task, label, 1, task_id=f"{task}@builtin[look_back=20]", parameters={"task": {"look_back": 20}})
    (line,) = commands.commands([record])
    done = seqbench("plan", "--json", "--no-pilot", "--no-baselines", *shlex.split(line)[2:])
    assert 0 == done.code, done.err
    (cell,) = json.loads(done.out)
    assert (record.task_id, label, 1) == (cell["task_id"], cell["label"], cell["seed"])


def overall_of(critical_difference: float | None) -> Overall:
    """Three models over twelve tasks."""
    names = ("gru", "lstm", "rnn")
    rows = tuple(
        OverallRow(name, 1.0 + place, 0.9 - 0.1 * place, 0.8, 0.95, 3, 2, 1) for place, name in enumerate(names)
    )
    each = {one: {other: (0.6, 0.4, 0.8) for other in names if other != one} for one in names}
    won = {one: {other: (3, 2, 1) for other in names if other != one} for one in names}
    return Overall(
        tuple(f"task_{place}" for place in range(12)),
        rows,
        each,
        won,
        (0.0, 0.5, 1.0),
        dict.fromkeys(names, (1.0, 0.5, 0.0)),
        critical_difference,
        0.01 if critical_difference else None,
        (("gru", "lstm"),) if critical_difference else (),
    )


def test_the_critical_difference_is_drawn_only_where_there_is_one() -> None:
    """With it, every model's mean rank and a bar per group are drawn to scale; without it there is no diagram."""
    assert across.critical_difference(overall_of(None), {}, "ranks") is None
    figure = across.critical_difference(overall_of(0.97), {}, "ranks")
    assert figure
    assert "gru  1.00" in figure.svg
    assert 1 == figure.svg.count('class="clique"')
    assert "critical difference 0.97" in figure.svg
    assert "Friedman" in figure.caption


def test_profiles_are_drawn_per_model() -> None:
    """Each model has a panel of its own, with all others behind it from one hidden drawing."""
    panels, behind = across.profiles(overall_of(None), {}, "profile")
    assert ["gru", "lstm", "rnn"] == [panel.model for panel in panels]
    assert 3 == behind.count("<path")
    assert all('href="#profile-all"' in panel.svg for panel in panels)


def test_json_is_no_way_in(tmp_path: Path) -> None:
    """Values of another type than expected in a record's free fields are shown or left out, never an error."""

    def odd(record: CellRecord) -> CellRecord:
        free: Any = [1, {"a": None}]
        return replace(record, environment={"cpu": free, "memory_bytes": "much"}, provenance={"task": free},
                       data={"notes": free, "sizes": 3}, parameters={"model": free}, configuration={})  # fmt: skip

    results = write_results(tmp_path, ("words",), ("gru",), change=odd)
    assert "How it was run" in page_of(results).text
    assert json.loads((results / "records.jsonl").read_text().splitlines()[0])["environment"]["memory_bytes"] == "much"
