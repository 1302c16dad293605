"""A spec of a program is known by what it is made of."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqbench import ModelSpec

PROGRAM = """
import sys
from dataclasses import dataclass
import numpy as np
from seqbench.definition import definition_hash
from seqbench.spec import ModelSpec

FACTOR = {factor}
{unused}

@dataclass(frozen=True)
class Params:
    size: int = {size}

    @property
    def double(self):
        return {double} * self.size

    @classmethod
    def of(cls, text):
        return cls({of}(text))

def helper(x):
    return x * FACTOR

def make(data):
    def build(input, output, params):
        {comment}
        return [helper(value) for value in data]
    return build

print(definition_hash(ModelSpec("mine", make({data}), Params)))
"""
PLAIN = {"factor": "2", "unused": "", "size": "8", "comment": "", "double": "2", "of": "int", "data": "np.arange(3)"}


def hashed(folder: Path, **changed: str) -> str:
    """The hash that a program of its own gives."""
    file = folder / "program.py"
    file.write_text(PROGRAM.format(**{**PLAIN, **changed}))
    return subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True).stdout


def test_what_changes_nothing_changes_no_hash(tmp_path: Path) -> None:
    """Another process, another place in the file, a comment and what the model does not use give the same hash."""
    first = hashed(tmp_path)
    assert first == hashed(tmp_path)
    assert first == hashed(tmp_path, unused="\n\nSEEDS = 7", comment="# of another mind")


@pytest.mark.parametrize(
    "changed",
    [{"factor": "3"}, {"size": "9"}, {"double": "3"}, {"of": "float"}, {"data": "np.arange(4)"}, {"data": "(0, 1, 2)"}],
)
def test_what_counts_changes_the_hash(tmp_path: Path, changed: dict[str, str]) -> None:
    """A constant that a helper uses, a parameter's default and enclosed data are part of a model."""
    assert hashed(tmp_path) != hashed(tmp_path, **changed)


def test_sending_a_spec_changes_no_hash() -> None:
    """A spec that has been checked and packed for workers has the hash that it had before."""
    from seqbench.definition import definition_hash
    from seqbench.offers import Offer
    from seqbench.params import validate

    @dataclass(frozen=True)
    class Params:
        size: int = 8

    def fit(*_: Any) -> Any:
        return Params

    spec = ModelSpec("mine", params=Params, fit=fit)
    before = definition_hash(spec)
    validate(Params, {"size": 9}, "models.mine")
    assert {("model", "mine"): before} == Offer.of([spec], []).digests
    assert before == definition_hash(spec)


def test_tables_and_estimators_count_by_content() -> None:
    """A table, and an estimator, of equal content have one hash; another value gives another."""
    import pandas as pd
    from sklearn.linear_model import Ridge

    from seqbench.definition import definition_hash

    def table(value: float) -> Callable[[], object]:
        frame = pd.DataFrame({"a": [1.0, value], "b": ["x", "y"]})
        return lambda: frame

    assert definition_hash(table(2.0)) == definition_hash(table(2.0))
    assert definition_hash(table(2.0)) != definition_hash(table(2.5))
    assert definition_hash(Ridge(alpha=1.0)) == definition_hash(Ridge(alpha=1.0))
    assert definition_hash(Ridge(alpha=1.0)) != definition_hash(Ridge(alpha=2.0))
    assert definition_hash(np.zeros(2)) != definition_hash(np.zeros(3))


def test_a_library_is_not_read_through() -> None:
    """A class that inherits from PyTorch's counts with PyTorch's version: not every file of it is read."""
    from torch import nn

    from seqbench.definition import definition_hash
    from seqbench.source_code import source_hash

    class Mine(nn.Module):
        pass

    read = source_hash.cache_info().misses
    assert 64 == len(definition_hash(Mine))
    assert source_hash.cache_info().misses <= read + 1
