"""What adapters make knows whose code it is, keeps the types of its parameters, and counts the libraries it is told."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from seqbench import (
    Classes,
    Dense,
    ModelSpec,
    TaskSpec,
    model_from_cell,
    model_from_estimator,
    model_from_function,
    model_from_module,
    task_from_dataset,
    task_from_datasets,
    task_from_frame,
)
from seqbench.params import dump, validate
from seqbench.testing.origins import maker_of
from seqbench.testing.subjects import place_of

TWO = Classes(("a", "b"))
HERE = Path(__file__).name


def recorded(spec: ModelSpec | TaskSpec, **params: Any) -> Any:
    """The parameters as a record gives them back."""
    return validate(spec.params, dump(spec.params, validate(spec.params, params, "x")), "x")


class Channels(nn.Module):
    """It adds its tuple to others."""

    def __init__(self, input_size: int, output_size: int, channels: Any = (8, 16), blocks: Any = ((1, 2),)) -> None:
        super().__init__()
        sizes = (input_size, *(channels + (output_size,)))  # noqa: RUF005 - a list would not do
        self.layers = nn.Sequential(*[nn.Linear(*pair) for pair in pairwise(sizes)])
        self.blocks = blocks

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x.mean(1))
        return found


def network(input: Any, output: Any, channels: Any = (8,), options: Any = ("a", ["b"])) -> nn.Module:
    """Made by a function."""
    assert (tuple, list) == (type(options), type(options[1]))
    return Channels(input.features, output.size, channels)


def cell(input_size: int, hidden_size: int, leak: Any = (0.5,)) -> nn.Module:
    """Made by a function."""
    assert isinstance(leak, tuple)
    return nn.GRUCell(input_size, hidden_size)


def estimator(penalties: Any = (1.0,)) -> Any:
    """Made by a function."""
    assert isinstance(penalties, tuple)
    return LogisticRegression(C=penalties[0])


def pairs(sizes: Any = (3, 4)) -> list[Any]:
    """Made by a function."""
    assert isinstance(sizes, tuple)
    return [([float(n)] * size, n % 2) for n in range(20) for size in sizes]


def test_tuples_stay_tuples() -> None:
    """What a record keeps as a list comes back as the tuple that the default is, its items too."""
    module = model_from_module(Channels)
    made: Any = module.build(Dense(2), TWO, recorded(module, channels=[4, 5], blocks=[[3, 4], [5, 6]]))
    assert ([4, 5, 2], ((3, 4), (5, 6))) == ([layer.out_features for layer in made.module.layers], made.module.blocks)
    for spec in (model_from_function(network), model_from_cell(cell)):
        spec.build(Dense(2), TWO, recorded(spec))
    task = task_from_dataset("t", pairs, input="dense", output="classes")
    data = task.prepare("builtin", recorded(task), Path())
    fitted = model_from_estimator(estimator)
    assert fitted.fit is not None
    predict = fitted.fit(data.train, data.validation, data.input, data.output, recorded(fitted), 0)
    assert (len(data.test), 2) == predict(data.test).shape


class State(NamedTuple):
    """Of two parts by name."""

    hidden: Tensor
    memory: Tensor


class Named(nn.Module):
    """A cell whose state is a named tuple."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(input_size, hidden_size)

    def initial_state(self, batch: int) -> State:
        zeros = torch.zeros(batch, self.cell.hidden_size)
        return State(zeros, zeros)

    def forward(self, x: Tensor, state: State) -> State:
        return State(*self.cell(x, (state.hidden, state.memory)))


def test_a_state_may_be_a_named_tuple() -> None:
    """It stays one from step to step."""
    spec = model_from_cell(Named)
    module = spec.build(Dense(2), TWO, recorded(spec, hidden_size=4))
    assert (3, 2) == tuple(module(torch.ones(3, 5, 2), torch.tensor([5, 2, 1])).shape)


SPECS: dict[str, Callable[..., ModelSpec]] = {
    "function": lambda **more: model_from_function(network, **more),
    "module": lambda **more: model_from_module(Channels, **more),
    "cell": lambda **more: model_from_cell(cell, **more),
    "estimator": lambda **more: model_from_estimator(estimator, **more),
}


@pytest.mark.parametrize("make", SPECS.values(), ids=list(SPECS))
def test_libraries_of_a_function_count_where_they_are_named(make: Any) -> None:
    """Their names are the spec's, beside those that the thing itself tells."""
    assert () == make().distributions
    assert ("pandas", "pydantic") == make(distributions=["pydantic", "pandas"]).distributions
    assert ("pandas",) == make(distributions="pandas").distributions


def test_a_decorator_takes_them_too() -> None:
    """As it takes all else."""

    @model_from_function(distributions=("pandas",))
    def decorated(input: Any, output: Any) -> nn.Module:
        return nn.Identity()

    assert ("pandas",) == decorated.distributions


def test_specs_of_adapters_are_told_apart() -> None:
    """Each is marked, by the function that makes the thing."""
    frame = task_from_frame("f", "x.csv", target="y", look_back=3)
    tasks = [frame, task_from_dataset("t", pairs, input="dense", output="classes"), task_from_datasets("h", pairs)]
    models = [*(make() for make in SPECS.values()), model_from_cell(nn.GRUCell)]
    specs: list[ModelSpec | TaskSpec] = [*models, *tasks]
    for spec in specs:
        assert maker_of(spec).__seqbench_adapter__ is True  # type: ignore[attr-defined]


def test_checks_point_at_the_users_code() -> None:
    """Where a check cannot tell the line, it names the user's function or class, and nothing of seqbench's."""

    def line(thing: Any) -> int:
        return int(thing.__code__.co_firstlineno)

    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    places = {name: place_of(maker_of(make())) for name, make in SPECS.items()}
    assert {
        "function": f"{HERE}:{line(network)} network",
        "module": f"{HERE}:{source.index('class Channels(nn.Module):') + 1} Channels",
        "cell": f"{HERE}:{line(cell)} cell",
        "estimator": f"{HERE}:{line(estimator)} estimator",
    } == places
    task = task_from_dataset("t", pairs, input="dense", output="classes")
    assert f"{HERE}:{line(pairs)} pairs" == place_of(maker_of(task))
    assert f"{HERE}:{line(pairs)} pairs" == place_of(maker_of(task_from_frame("f", pairs, target="y", look_back=3)))
    assert f"{HERE}:{line(cell)} cell" == place_of(maker_of(model_from_cell(partial(cell, leak=(0.1,)), "c")))
    assert {""} == {
        place_of(maker_of(spec)) for spec in (model_from_cell(nn.GRUCell), model_from_estimator(LogisticRegression()))
    }


def test_a_path_beside_an_imported_module_is_found_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the module is not imported, as in a worker process, and from another folder, it is the same file."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / "load.csv").write_text("y\n" + "".join(f"{n % 7}\n" for n in range(100)))
    text = "import seqbench\nTASK = seqbench.task_from_frame('load', 'load.csv', target='y', look_back=5)\n"
    (home / "beside_its_table.py").write_text(text)
    monkeypatch.syspath_prepend(str(home))
    task = importlib.import_module("beside_its_table").TASK
    monkeypatch.delitem(sys.modules, "beside_its_table")
    monkeypatch.chdir(elsewhere)
    assert 100 == task.prepare("builtin", validate(task.params, {}, "tasks.load"), Path()).notes["rows"]
