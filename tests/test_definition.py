"""A spec of a program is known by what it is made of."""

from __future__ import annotations

import io
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
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
    """The hash that a program gives, whose code is that of the main module."""
    file = folder / "program.py"
    file.write_text(PROGRAM.format(**{**PLAIN, **changed}))
    with redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(file), run_name="__main__")
    return printed.getvalue()


def test_what_changes_nothing_changes_no_hash(tmp_path: Path) -> None:
    """Another process, another place in the file, a comment and what the model does not use give the same hash."""
    first = hashed(tmp_path)
    program = [sys.executable, str(tmp_path / "program.py")]
    assert first == subprocess.run(program, capture_output=True, text=True, check=True).stdout
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


PARTS = """
import functools, json, sys
import numpy as np
import torch
from pydantic import BaseModel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch.utils.data import TensorDataset
import helpers
from seqbench.definition import definition_hash

FACTOR = {factor}

class Params(BaseModel):
    size: int = {size}
    words: frozenset[str] = frozenset(("a", "b", "c"))

class Words:
    def __init__(self):
        self.words = set("abcdefgh")

def scaled(x):
    return FACTOR * x

def inner(*_):
    from helpers import net
    return net

@functools.cache
def cached():
    return FACTOR

mean = {unused}

tensor = torch.arange(4.0) + {size}
parts = {{
    "inner import": inner,
    "module": lambda *_: helpers.net(),
    "partial": functools.partial(scaled, x=1),
    "cached": cached,
    "pipeline": make_pipeline(FunctionTransformer(scaled)),
    "pydantic": Params,
    "tensor": [tensor, tensor],
    "data set": TensorDataset(tensor, tensor),
    "attribute": lambda x: x.mean(1),
    "set": Words(),
}}
print(json.dumps({{name: definition_hash(part) for name, part in parts.items()}}))
"""


def hashes(folder: Path, seed: int, layers: int = 1, **changed: int) -> dict[str, str]:
    """The hash of each part, in a process of its own, with Python's hashes of strings in another order."""
    (folder / "helpers.py").write_text("import layers\ndef net(): return layers.COUNT\n")
    (folder / "layers.py").write_text(f"COUNT = {layers}\n")
    file = folder / "parts.py"
    file.write_text(PARTS.format(**{"factor": 1, "size": 8, "unused": 0, **changed}))
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, env=environment, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_parts_of_every_kind_count_and_are_known_again(tmp_path: Path) -> None:
    """Local modules, imported anywhere and by one another, wrapped functions, tensors, data sets and schemas give the
    same hash in every process, and another one exactly where something of theirs has changed.
    """
    first = hashes(tmp_path, seed=1)
    assert first == hashes(tmp_path, seed=2, unused=5)

    def changed(**values: int) -> set[str]:
        return {name for name, found in hashes(tmp_path, seed=3, **values).items() if found != first[name]}

    assert {"inner import", "module"} == changed(layers=2)
    assert {"partial", "cached", "pipeline", "pydantic", "tensor", "data set"} == changed(factor=2, size=9)


def test_a_library_is_not_read_through() -> None:
    """A class that inherits from PyTorch's counts with PyTorch's version: not every file of it is read."""
    from torch import nn

    from seqbench import source_code
    from seqbench.definition import definition_hash

    class Mine(nn.Module):
        pass

    read = source_code._hashed.cache_info().misses
    assert 64 == len(definition_hash(Mine))
    assert source_code._hashed.cache_info().misses <= read + 1
