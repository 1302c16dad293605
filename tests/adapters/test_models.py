"""Functions, modules and cells of users are models that keep the contract of a model."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqbench import (
    Classes,
    ConfigError,
    Dense,
    Forecast,
    Input,
    ModelSpec,
    Output,
    SpecError,
    Tokens,
    model_from_cell,
    model_from_function,
    model_from_module,
)
from seqbench.nn import parameter_count
from seqbench.params import dump, validate
from seqbench.registry import discover
from trained_cells import planned

TWO = Classes(("a", "b"))
LENGTHS = torch.tensor([6, 2, 4, 2, 1])


def build(spec: ModelSpec, input: Input = Dense(3), output: Output = TWO, **params: Any) -> nn.Module:
    assert spec.build is not None
    torch.manual_seed(0)
    return spec.build(input, output, validate(spec.params, params, "models.x"))


def sample(input: Input = Dense(3)) -> Tensor:
    """Three batches of padding: what stands at padded steps is no zero."""
    torch.manual_seed(1)
    if isinstance(input, Tokens):
        return torch.randint(1, input.vocabulary, (5, 7))
    return torch.randn(5, 7, input.features)


def is_free_of_padding(module: nn.Module, input: Input = Dense(3)) -> bool:
    """Is every output that of its sequence alone?"""
    module.eval()
    x = sample(input)
    together = module(x, LENGTHS)
    alone = [
        module(x[row : row + 1, :length], LENGTHS[row : row + 1])[0] for row, length in enumerate(LENGTHS.tolist())
    ]
    return torch.allclose(together, torch.stack(alone), atol=1e-5)


class Mean(nn.Module):
    """It would take padding for data."""

    def __init__(self, n_features: int, n_classes: int, hidden: int = 4, act: Any = nn.ReLU) -> None:
        super().__init__()
        self.steps = nn.Sequential(nn.Linear(n_features, hidden), act())
        self.head = nn.Linear(hidden, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.steps(x).mean(1))
        return found


class Leaky(nn.Module):
    """A hand-written cell that cannot take None for its state."""

    def __init__(self, input_size: int, hidden_size: int, leak: float = 0.5) -> None:
        super().__init__()
        self.map = nn.Linear(input_size + hidden_size, hidden_size)
        self.leak = leak

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        return (1 - self.leak) * state + self.leak * torch.tanh(self.map(torch.cat([x, state], 1)))


def test_adapters_import_nothing_heavy() -> None:
    """Importing them and adapting a function brings in neither torch nor pandas, scikit-learn or datasets."""
    code = (
        "import sys; from seqbench import *; model_from_function(lambda input, output: 0, 'm');"
        "task_from_dataset('d', lambda: 0, input='dense', output='classes'); task_from_datasets('h', lambda: 0);"
        "task_from_frame('f', lambda: 0, target='y', look_back=3); task_from_frame('g', 'x.csv', target='y', group='z',"
        "values='v', output='classes'); model_from_estimator(lambda a=1: 0, 'e');"
        "print(sorted({'torch', 'pandas', 'sklearn', 'datasets', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ("[]\n", "") == (done.stdout, done.stderr)


@pytest.mark.parametrize(("cell", "layer"), [(nn.GRUCell, nn.GRU), (nn.LSTMCell, nn.LSTM), (nn.RNNCell, nn.RNN)])
def test_a_cell_of_torch_gives_what_its_layer_gives(cell: type[nn.Module], layer: Any) -> None:
    """Looped over time, with the same weights, states and last states are those of the layer; in two layers too."""
    module: Any = build(model_from_cell(cell), hidden_size=5, num_layers=2)
    reference = layer(3, 5, num_layers=2, batch_first=True)
    weights = {
        f"{name}_l{depth}": value
        for depth, part in enumerate(module.encoder.cells)
        for name, value in part.state_dict().items()
    }
    reference.load_state_dict(weights)
    x = sample()
    expected, _ = reference(x)
    states, last = module.encoder(x, LENGTHS)
    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(last, expected[torch.arange(5), LENGTHS - 1])
    torch.testing.assert_close(module.states(x, LENGTHS), expected)


def test_cells_have_the_parameters_of_the_built_in_models() -> None:
    """The names and defaults are the same, and the cell's own stand beside them; causal is declared."""
    gru = discover().models["gru"]
    spec = model_from_cell(Leaky)
    theirs = dump(gru.params, validate(gru.params, {}, "models.gru"))
    ours = dump(spec.params, validate(spec.params, {}, "models.leaky"))
    assert ("leaky", True, 0.5) == (spec.name, spec.causal, ours.pop("leak"))
    assert ours == {name: value for name, value in theirs.items() if not name.startswith("init")}
    with pytest.raises(ConfigError, match=r"'models\.leaky\.dropout' is not valid"):
        validate(spec.params, {"dropout": 1.5}, "models.leaky")


@pytest.mark.parametrize("input", [Dense(3), Tokens(40)])
@pytest.mark.parametrize("budget", [5_000, 50_000])
def test_a_cell_meets_its_budget(input: Input, budget: int) -> None:
    """The parameter count is within 5 % of `parameter_budget`, embeddings left out."""
    module = build(model_from_cell(Leaky), input, parameter_budget=budget)
    assert abs(parameter_count(module) - budget) <= 0.05 * budget
    assert is_free_of_padding(module, input)


def test_states_begin_as_the_cell_wants_them() -> None:
    """`initial_state` where there is one; else None, zeros, or a pair of zeros, whichever the cell can take."""

    class Own(Leaky):
        def initial_state(self, batch: int) -> Tensor:
            return torch.ones(batch, 4)

    class Pair(Leaky):
        def forward(self, x: Tensor, state: Any) -> Any:
            hidden, memory = state
            return super().forward(x, hidden), memory + 1

    for cell, expected in ((nn.GRUCell, "none"), (Leaky, "zeros"), (Pair, "pair"), (Own, "own")):
        module: Any = build(model_from_cell(cell, "x"), hidden_size=4)
        assert [expected] == module.encoder.starts
    plain: Any = build(model_from_cell(Leaky), hidden_size=4, leak=0.0)
    own: Any = build(model_from_cell(Own), hidden_size=4, leak=0.0)
    assert 0.0 == plain.encoder(sample(), LENGTHS)[0].abs().max().item()
    assert bool((own.encoder(sample(), LENGTHS)[0] == 1).all())


def test_a_cell_may_give_output_and_state() -> None:
    """With `returns="output_and_state"` the state is carried on and the output of another size goes up."""

    class Counting(nn.Module):
        def __init__(self, input_size: int, hidden_size: int) -> None:
            super().__init__()
            self.map = nn.Linear(input_size, 2 * hidden_size)

        def forward(self, x: Tensor, state: int | None) -> tuple[Tensor, int]:
            count = (state or 0) + 1
            return self.map(x) * 0 + count, count

    module: Any = build(model_from_cell(Counting, returns="output_and_state"), hidden_size=2, pooling="last")
    states, last = module.encoder(sample(), LENGTHS)
    assert (5, 7, 4) == tuple(states.shape)
    assert LENGTHS.tolist() == last[:, 0].tolist()


def test_a_parameter_of_the_cells_own_is_the_cells_alone() -> None:
    """A cell that has `dropout` gets the value, and the model around it drops nothing."""

    class Dropping(Leaky):
        def __init__(self, input_size: int, hidden_size: int, dropout: float = 0.3) -> None:
            super().__init__(input_size, hidden_size)
            self.rate = dropout

    spec = model_from_cell(Dropping, defaults={"hidden_size": 6})
    module: Any = build(spec, dropout=0.4)
    assert (0.4, 0.0, 6) == (module.encoder.cells[0].rate, module.dropout.p, module.encoder.size)


def test_functions_become_models() -> None:
    """Keyword parameters are the model's, with their types; a docstring is what it is about; as a decorator too."""

    @model_from_function(accepts=["dense"], name="mine")
    def build_it(input: Dense, output: Output, size: int = 4, *, kind: str | None = None, act: Any = torch.tanh) -> Any:
        """A mean."""
        return Mean(input.features, output.size, size)

    assert ("mine", ("dense",), "A mean.") == (build_it.name, build_it.accepts, build_it.about)
    assert {"size": 4, "kind": None} == dump(build_it.params, validate(build_it.params, {}, "models.mine"))
    with pytest.raises(ConfigError, match=r"'models\.mine\.size' is not valid"):
        validate(build_it.params, {"size": "big"}, "models.mine")
    assert "mean" == model_from_module(partial(Mean, act=nn.Tanh)).name
    module = build(build_it, size=9)
    assert 9 * 4 + 9 * 2 + 2 == parameter_count(module)
    assert is_free_of_padding(module)


def test_a_module_that_takes_lengths_is_left_alone() -> None:
    """What already keeps the contract is used as it is, so its weights have their own names."""

    class Ready(nn.Module):
        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return x.sum((1, 2))[:, None].expand(-1, 2)

    assert isinstance(build(model_from_function(lambda given, output: Ready(), "ready")), Ready)


@pytest.mark.parametrize("input", [Dense(3), Tokens(40)])
def test_modules_become_models(input: Input) -> None:
    """Unchanged, told its sizes by their names; padding changes nothing; a plain parameter can be set, others stay."""
    spec = model_from_module(Mean)
    assert {"hidden": 4, "pooling": "last", "embedding_size": 64} == dump(
        spec.params, validate(spec.params, {}, "models.mean")
    )
    module = build(spec, input, hidden=6)
    assert 6 == module.module.steps[0].out_features  # type: ignore[union-attr,index]
    assert is_free_of_padding(module, input)


def test_wrapping_uses_up_no_random_number() -> None:
    """A wrapped module begins with the weights that it would have by itself."""
    module = build(model_from_module(Mean, budget="hidden"), parameter_budget=60)
    torch.manual_seed(0)
    alone = Mean(3, 2, module.configuration["hidden"])  # type: ignore[index,arg-type]
    assert all(torch.equal(one, other) for one, other in zip(alone.parameters(), module.parameters(), strict=True))
    assert abs(parameter_count(module) - 60) <= 3


@pytest.mark.parametrize("pooling", ["last", "mean", "mean_max", "attention"])
def test_states_are_pooled_over_real_steps(pooling: str) -> None:
    """A class that gives states, alone or first in a tuple, time first or not, gets pooling and a head."""
    for batch_first in (True, False):
        spec = model_from_module(
            nn.LSTM, "lstm_", arguments=("input_size", None), defaults={"hidden_size": 5, "batch_first": batch_first}
        )
        module: Any = build(spec, pooling=pooling)
        assert is_free_of_padding(module)
        if pooling == "last":
            module.eval()
            x = sample()
            states, _ = module.module(x if batch_first else x.transpose(0, 1))
            states = states if batch_first else states.transpose(0, 1)
            expected = module.head(states[torch.arange(5), LENGTHS - 1])
            torch.testing.assert_close(module(x, LENGTHS), expected)
            torch.testing.assert_close(module.states(x, LENGTHS), states)


def test_a_pooling_of_the_classes_own_is_its_own() -> None:
    """A class's parameter of that name goes to the class, and states are pooled at their last step."""

    class Own(nn.LSTM):
        def __init__(self, input_size: int, output_size: int, pooling: str = "mine") -> None:
            super().__init__(input_size, output_size, batch_first=True)
            self.said = pooling

    module: Any = build(model_from_module(Own), pooling="yours")
    assert ("yours", "last", None) == (module.module.said, module.pooling.mode, module.head)
    assert is_free_of_padding(module)


def test_the_forms_of_outputs() -> None:
    """One value per sequence may come without its dimension, a squeezed batch of one too; strides may shorten time."""

    class Squeezed(nn.Module):
        def __init__(self, input_size: int, output_size: int) -> None:
            super().__init__()
            self.map = nn.Linear(input_size, output_size)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.map(x.mean(1)).squeeze()
            return found

    class Strided(Squeezed):
        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.map(x[:, ::2])
            return found

    class States(Squeezed):
        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.map(x).squeeze()
            return found

    for cls, size in ((Squeezed, 1), (Strided, 1), (States, 2)):
        module = build(model_from_module(cls), output=Forecast(size))
        assert (5, size) == tuple(module(sample(), LENGTHS).shape)
        assert is_free_of_padding(module)


def test_short_sequences_and_batch_norm_do_no_harm() -> None:
    """A convolution gets as many steps as it needs, always the same; one sequence alone can be trained on."""

    class Convolution(nn.Module):
        def __init__(self, in_channels: int, num_classes: int) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Conv1d(in_channels, 4, 3), nn.ReLU(), nn.Conv1d(4, 4, 2))
            self.norm = nn.BatchNorm1d(4)
            self.head = nn.Linear(4, num_classes)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.head(self.norm(self.layers(x.transpose(1, 2)).mean(2)))
            return found

    module = build(model_from_module(Convolution))
    assert {"least_steps": 4} == module.configuration
    module(sample(), LENGTHS).sum().backward()
    assert module.module.norm.training  # type: ignore[union-attr]
    assert is_free_of_padding(module)


def test_lengths_are_given_where_they_are_taken() -> None:
    """`forward(x, seq_lens)` gets the lengths of its padded batch."""

    class Packed(nn.Module):
        def __init__(self, input_dim: int, output_dim: int, hidden_dim: int = 4) -> None:
            super().__init__()
            self.gru = nn.GRU(input_dim, hidden_dim, batch_first=True)
            self.head = nn.Linear(hidden_dim, output_dim)

        def forward(self, x: Tensor, seq_lens: Tensor) -> Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, seq_lens.cpu(), batch_first=True, enforce_sorted=False)
            found: Tensor = self.head(self.gru(packed)[1][-1])
            return found

    module = build(model_from_module(Packed, budget="hidden_dim"), parameter_budget=500)
    assert is_free_of_padding(module)
    assert abs(parameter_count(module) - 500) <= 50


def test_a_class_with_a_vocabulary_embeds_by_itself() -> None:
    """It takes tokens only, and gets them as they are."""

    class Bag(nn.Module):
        def __init__(self, vocab_size: int, num_classes: int, dim: int = 4) -> None:
            super().__init__()
            self.embedding = nn.Embedding(vocab_size, dim)
            self.head = nn.Linear(dim, num_classes)

        def forward(self, tokens: Tensor) -> Tensor:
            found: Tensor = self.head(self.embedding(tokens).mean(1))
            return found

    spec = model_from_module(Bag)
    assert ("tokens",) == spec.accepts
    module = build(spec, Tokens(40))
    assert 40 == module.module.embedding.num_embeddings  # type: ignore[union-attr]
    assert is_free_of_padding(module, Tokens(40))


class Masked(Mean):
    """It needs more than x."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x * mask)


class Fixed(Mean):
    """It does not do what it is told."""

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__(input_size, 7)


class Encoder(Mean):
    """It knows no output."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)


class NeedsMore(Mean):
    """It has no default."""

    def __init__(self, input_size: int, output_size: int, depth: int) -> None:
        super().__init__(input_size, output_size)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: build(model_from_module(Masked)), "forward needs 'mask' beside x"),
        (lambda: build(model_from_module(Fixed)), "it gives 7 numbers per example, the task wants 2"),
        (lambda: build(model_from_module(Encoder)), "looks like the size of the output"),
        (lambda: model_from_module(lambda d_model, nhead: 0, "t"), "looks like the size of the input"),
        (lambda: model_from_module(lambda n_in, leak=0.5: 0, "t"), "looks like the size of the output"),
        (lambda: build(model_from_module(NeedsMore)), "its parameter 'depth' has no default"),
        (lambda: model_from_module(Mean, defaults={"hiden": 3}), "did you mean 'hidden'"),
        (lambda: model_from_module(Mean, budget="act"), "names no parameter of its own"),
        (lambda: model_from_module(Mean(3, 2)), "give the class, not a module made of it"),
        (lambda: build(model_from_module(lambda input_size, output_size: 3, "three")), "it made int"),
        (lambda: model_from_function(lambda x: x, "one"), "takes 1 positional arguments"),
        (lambda: model_from_function(lambda given, output: 0), "give one with name="),
        (lambda: build(model_from_cell(Mean, "no_cell")), "its cell does not go from"),
        (lambda: model_from_cell(nn.Identity), "it gets two"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_model_is_told_in_a_sentence(make: Any, words: str) -> None:
    """Each mistake is a SpecError that says what was wrong."""
    with pytest.raises(SpecError, match=words):
        make()


PLUGIN = """
import seqbench
from torch import nn
class Cell(nn.Module):
    def __init__(self, input_size, hidden_size, scale: float = 1.0):
        super().__init__()
        self.map = nn.Linear(input_size, hidden_size)
    def forward(self, x, state):
        return self.map(x)
class Module(nn.Module):
    def __init__(self, input_size, output_size):
        super().__init__()
    def forward(self, x):
        return x
@seqbench.hookimpl
def seqbench_models():
    from sklearn.linear_model import LogisticRegression
    return [seqbench.model_from_cell(Cell), seqbench.model_from_cell(nn.GRUCell), seqbench.model_from_module(Module),
            seqbench.model_from_function(lambda input, output: Module(1, 1), "function"),
            seqbench.model_from_estimator(LogisticRegression())]
"""


def test_cells_are_keyed_by_the_file_that_adapts(tmp_path: Path, toy: str, cache: Path) -> None:
    """Every adapted model counts with the user's file, not seqbench's or torch's: a changed line is another key."""
    first, second = tmp_path / "one.py", tmp_path / "two.py"
    first.write_text(PLUGIN)
    second.write_text(PLUGIN.replace("return self.map(x)", "return self.map(x) + 1"))
    names = ("cell", "gru_cell", "module", "function", "logistic_regression")
    found = [discover([str(file)]) for file in (first, second)]
    for name in names:
        infos = [registry.info("model", name) for registry in found]
        assert [str(first), str(second)] == [info.source for info in infos]
        assert infos[0].source_hash != infos[1].source_hash
    keys = [{cell.key for cell in planned("toy", names, plugin_files=[toy, str(file)])} for file in (first, second)]
    assert not keys[0] & keys[1]
