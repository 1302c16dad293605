"""A recorded cell can be planned again from its record alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from seqbench.benchmark import Options, load
from seqbench.errors import ConfigError, DataError
from seqbench.records import CellRecord, blank_record
from seqbench.registry import discover
from seqbench.replan import replanned

SETTINGS = [
    "trainer.max_epochs=3",
    "models.lstm.hidden_size=7",
    "tasks.stock_forecasting.look_back=30",
    "tasks.sentiment.trainer.learning_rate=0.01",
]


def recorded(options: Options) -> list[CellRecord]:
    """Records of a plan's cells, as they are read from a results folder."""
    return [CellRecord.from_json(json.loads(json.dumps(blank_record(cell).to_json()))) for cell in load(options).cells]


def test_a_record_is_planned_as_the_cell_that_it_was(tmp_path: Path, cache: Path) -> None:
    """With the same plugins and data, each record of a model or a baseline gives its cell, with the same key."""
    file = tmp_path / "reviews.csv"
    file.write_text("text,label\n" + "".join(f"it is {word},{word}\n" for word in ("good", "bad") * 20))
    section = {"models": "lstm,gru", "seeds": "3"}
    options = Options(section=section, settings=SETTINGS, data=[f"sentiment={file}"])
    registry = discover()
    cells = load(options).cells
    records = recorded(options)
    assert {False, True} == {record.is_baseline for record in records}
    assert list(cells) == [replanned(record, registry) for record in records]


def test_what_has_gone_is_told(tmp_path: Path, toy: str, cache: Path) -> None:
    """A plugin that is not loaded, a source that was deleted and a parameter that is no more are told in a sentence."""
    options = Options(section={"models": "toy_gru", "tasks": "toy", "seeds": "0"}, plugin_files=(toy,))
    record = next(record for record in recorded(options) if not record.is_baseline)
    with pytest.raises(ConfigError, match=r"there is no task 'toy' here: give the plugin's file with --plugin .*toy"):
        replanned(record, discover())
    registry = discover((toy,))
    gone = replace(record, provenance={**record.provenance, "location": str(tmp_path / "gone.csv")})
    with pytest.raises(DataError, match=r"gone\.csv"):
        replanned(gone, registry)
    stranger = replace(record, parameters={**record.parameters, "model": {"width": 3}})
    with pytest.raises(ConfigError, match=r"'models\.toy_gru\.width' is no parameter"):
        replanned(stranger, registry)
