"""Data sets of the hub: read by the `datasets` library, from a local repository here, and told where unreachable."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

from seqbench import DataError
from seqbench_tasks.sentiment.params import SentimentParams
from seqbench_tasks.sentiment.task import SPEC

CONFIGS = """---
configs:
- config_name: glue
  data_files:
  - {split: train, path: glue/train-*}
  - {split: validation, path: glue/validation-*}
  - {split: test, path: glue/test-*}
- config_name: whole
  data_files:
  - {split: full, path: whole/*}
---
"""


def rows(name: str, count: int, label: int | None = None) -> datasets.Dataset:
    features = datasets.Features(
        {
            "idx": datasets.Value("int32"),
            "sentence": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["negative", "positive"]),
        }
    )
    columns = {
        "idx": list(range(count)),
        "sentence": [f"a {'good' if row % 2 else 'bad'} film {name} {row}" for row in range(count)],
        "label": [row % 2 if label is None else label for row in range(count)],
    }
    return datasets.Dataset.from_dict(columns, features=features)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A data set as the hub has it, with two configurations, and a test split without labels in the first."""
    folder = tmp_path / "repository"
    for split, count, label in (("train", 100, None), ("validation", 20, None), ("test", 22, -1)):
        rows(split, count, label).to_parquet(folder / "glue" / f"{split}-00000-of-00001.parquet")
    rows("whole", 60).to_parquet(folder / "whole" / "part.parquet")
    (folder / "README.md").write_text(CONFIGS)
    return folder


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[[str], Path]:
    def call(rest: str) -> Path:
        folder = tmp_path / "fetched"
        folder.mkdir()
        return SPEC.fetchers["hf"](rest, SentimentParams(), folder)

    return call


def test_every_split_is_a_file(repository: Path, fetch: Callable[[str], Path], tmp_path: Path) -> None:
    """Splits become parquet files, classes keep their names, -1 is no label, and nothing else is left behind."""
    folder = fetch(f"{repository}:glue")
    assert ["test.parquet", "train.parquet", "validation.parquet"] == sorted(path.name for path in folder.iterdir())
    assert [folder] == list((tmp_path / "fetched").iterdir())
    with pytest.raises(
        DataError, match=r"test\.parquet has only -1 for labels: set tasks\.sentiment\.test_split=hold_out"
    ):
        SPEC.prepare(str(folder), SentimentParams(), tmp_path)
    data = SPEC.prepare(str(folder), SentimentParams(test_split="hold_out"), tmp_path)
    assert (90, 20, 10) == (len(data.train), len(data.validation), len(data.test))
    assert ("negative", "positive") == data.output.labels  # type: ignore[union-attr]
    assert ("sentence", "label") == (data.notes["text_column"], data.notes["label_column"])


def test_one_split_is_divided(repository: Path, fetch: Callable[[str], Path], tmp_path: Path) -> None:
    """A data set with a single split of any name is all there is to divide."""
    data = SPEC.prepare(str(fetch(f"{repository}:whole")), SentimentParams(), tmp_path)
    assert (48, 6, 6) == (len(data.train), len(data.validation), len(data.test))


@pytest.mark.parametrize(
    ("names", "expected", "told"),
    [
        (("train", "dev", "validation", "test"), (100, 40, 20), "dev.parquet and validation.parquet are read together"),
        (("train.a", "train.b", "validation", "test"), (200, 20, 20), "are read together as train"),
        (("train", "train.small", "validation", "test"), (100, 20, 20), "train.small.parquet was not used"),
    ],
)
def test_splits_of_one_kind_lose_no_rows(
    tmp_path: Path, fetch: Callable[[str], Path], names: tuple[str, ...], expected: tuple[int, int, int], told: str
) -> None:
    """Splits that are ours by several names are put together, and what was done is told."""
    folder = tmp_path / "repository"
    parts = []
    for name in names:
        rows(name, 100 if name.startswith("train") else 20).to_parquet(folder / f"{name}.parquet")
        parts.append(f"  - {{split: {name}, path: {name}.parquet}}")
    (folder / "README.md").write_text("---\nconfigs:\n- config_name: c\n  data_files:\n" + "\n".join(parts) + "\n---\n")
    data = SPEC.prepare(str(fetch(f"{folder}:c")), SentimentParams(), tmp_path)
    assert expected == (len(data.train), len(data.validation), len(data.test))
    assert any(told in warning for warning in data.notes["warnings"])


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("", "has several configurations: name one of glue, whole"),
        (":nope", "has no configuration 'nope': name one of"),
    ],
)
def test_the_configuration_is_asked_for(
    repository: Path, fetch: Callable[[str], Path], ending: str, expected: str
) -> None:
    """Without a configuration, or with one that is not there, the sentence names those there are."""
    with pytest.raises(DataError, match=expected):
        fetch(f"{repository}{ending}")


def test_a_hub_out_of_reach_is_told_soon(
    fetch: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline, one sentence says what could not be reached and what to do instead, and takes seconds."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "empty")
    begin = time.monotonic()
    with pytest.raises(DataError, match=r"cannot reach the hub for hf:nobody/nothing.*give the path of their folder"):
        fetch("nobody/nothing")
    assert time.monotonic() - begin < 60
    assert not datasets.config.HF_HUB_OFFLINE


@pytest.mark.parametrize("name", ["/no/such/folder", "two words", ":config"])
def test_a_name_that_is_none_is_told(fetch: Callable[[str], Path], name: str) -> None:
    """What cannot be a data set's name is told without asking the hub."""
    with pytest.raises(DataError, match=r"OWNER/NAME"):
        fetch(name)
