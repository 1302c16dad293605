"""The built-in models keep the contract of a model, and are of one size by default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import nn

from seqbench import Classes, Dense, Forecast, Input, Output, Tokens
from seqbench.nn import parameter_count, reverse_padded, size_for_budget
from seqbench.params import field_names
from seqbench_models import seqbench_models
from seqbench_tasks import seqbench_tasks

SPECS = {spec.name: spec for spec in seqbench_models()}
TEN = Classes(tuple("abcdefghij"))
PAIRS: list[tuple[Input, Output]] = [(Dense(1), Forecast(1)), (Dense(40), TEN), (Tokens(5000), Classes(("a", "b")))]


def build(name: str, input: Input = Dense(2), output: Output = TEN, seed: int = 0, **params: Any) -> nn.Module:
    torch.manual_seed(seed)
    return SPECS[name].build(input, output, SPECS[name].params(**params))


@pytest.mark.parametrize(("input", "output"), PAIRS)
@pytest.mark.parametrize("params", [{}, {"num_layers": 2}, {"pooling": "attention"}, {"pooling": "last"}])
@pytest.mark.parametrize("budget", [5_000, 50_000, 200_000])
def test_models_are_of_one_size(input: Input, output: Output, params: dict[str, Any], budget: int) -> None:
    """With one budget the four have parameter counts within 10 % of each other, embeddings left out."""
    counts = [parameter_count(build(name, input, output, parameter_budget=budget, **params)) for name in SPECS]
    assert max(counts) <= 1.1 * min(counts)
    assert all(abs(count - budget) <= 0.1 * budget for count in counts)


def test_models_are_of_one_size_on_each_task() -> None:
    """With each built-in task's own advice the four stay within 10 % of each other in all their parameters."""
    for task in seqbench_tasks():
        given, output = PAIRS[{"dense": 1 if task.loss == "cross_entropy" else 0, "tokens": 2}[task.input_kind]]
        counts = []
        for name, spec in SPECS.items():
            advice = {key: value for key, value in task.model_defaults.items() if key in field_names(spec.params)}
            counts.append(parameter_count(build(name, given, output, **advice), embeddings=True))
        assert max(counts) <= 1.1 * min(counts), task.name


def test_a_budget_is_met_by_the_nearest_size() -> None:
    """No other size comes nearer, and a budget below the smallest model gives the smallest."""

    def make(size: int) -> nn.Module:
        return nn.Linear(size, size, bias=False)

    assert (10, 10, 11, 1) == tuple(size_for_budget(make, budget) for budget in (100, 109, 120, 0))


@pytest.mark.parametrize("name", SPECS)
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5), padding=st.integers(0, 4), tokens=st.booleans())
def test_padding_and_company_change_nothing(name: str, lengths: list[int], padding: int, tokens: bool) -> None:
    """An output depends on its own sequence alone: not on padding, what stands there, order, or batch size."""
    for pooling in ("last", "mean_max", "attention"):
        module = build(name, Tokens(9) if tokens else Dense(2), hidden_size=4, num_layers=2, pooling=pooling).eval()
        time = max(lengths) + padding
        shape = (len(lengths), time) if tokens else (len(lengths), time, 2)
        x = torch.randint(1, 9, shape) if tokens else torch.randn(shape)
        sizes = torch.tensor(lengths)
        together = module(x, sizes)
        assert (len(lengths), 10) == tuple(together.shape)
        order = torch.randperm(len(lengths))
        torch.testing.assert_close(module(x[order], sizes[order]), together[order])
        for row, length in enumerate(lengths):
            alone = module(x[row : row + 1, :length], sizes[row : row + 1])
            torch.testing.assert_close(alone[0], together[row], rtol=1e-4, atol=1e-5)


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_reversing_twice_gives_each_sequence_back(lengths: list[int]) -> None:
    """Each sequence is reversed within its own length; twice is nothing."""
    x = torch.randn(len(lengths), max(lengths) + 1, 3)
    sizes = torch.tensor(lengths)
    once = reverse_padded(x, sizes)
    twice = reverse_padded(once, sizes)
    for row, length in enumerate(lengths):
        assert torch.equal(x[row, :length].flip(0), once[row, :length])
        assert torch.equal(x[row, :length], twice[row, :length])


@pytest.mark.parametrize("name", SPECS)
def test_every_parameter_learns(name: str) -> None:
    """Each parameter gets a gradient, and so does the first step of the longest sequence."""
    module = build(name, hidden_size=4, num_layers=2, pooling="attention")
    x = torch.randn(3, 6, 2, requires_grad=True)
    module(x, torch.tensor([6, 4, 5])).square().sum().backward()
    # A softmax does not move with a constant, so the attention's bias alone has no effect.
    silent = [key for key, value in module.named_parameters() if value.grad is None or not value.grad.abs().sum()]
    assert set(silent) <= {"pooling.score.bias"}
    assert x.grad is not None
    assert x.grad[0, 0].abs().sum() > 0


@pytest.mark.parametrize("name", SPECS)
def test_the_seed_decides_the_weights(name: str) -> None:
    """One seed gives one set of weights, another seed another."""
    one, same, other = (torch.cat([p.flatten() for p in build(name, seed=seed).parameters()]) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("name", SPECS)
def test_weights_survive_a_file(name: str, tmp_path: Path) -> None:
    """Saved as safetensors and loaded into a model of another seed, the outputs are the same."""
    module, other = build(name).eval(), build(name, seed=9).eval()
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    x, lengths = torch.randn(2, 5, 2), torch.tensor([5, 2])
    assert torch.equal(module(x, lengths), other(x, lengths))


@pytest.mark.parametrize("name", SPECS)
def test_normal_initialisation(name: str) -> None:
    """`init = normal` draws every weight matrix from a zero-mean Gaussian of the given standard deviation."""
    module = build(name, Dense(40), hidden_size=100, init="normal", init_std=0.05)
    weights = torch.cat([value.detach().flatten() for value in module.parameters() if value.dim() > 1])
    assert abs(float(weights.mean())) < 0.001
    assert float(weights.std()) == pytest.approx(0.05, rel=0.02)
    kurtosis = float(((weights - weights.mean()) ** 4).mean() / weights.var() ** 2)
    assert kurtosis == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize("value", [1.0, -2.0, None])
def test_forget_gates_start_where_they_are_told(value: float | None) -> None:
    """The forget gate's two biases add up to `forget_bias`; other gates are left alone; none touches nothing."""
    plain = dict(build("lstm", hidden_size=4, forget_bias=None).named_parameters())
    told = dict(build("lstm", hidden_size=4, forget_bias=value).named_parameters())
    total = told["encoder.layers.0.bias_ih_l0"] + told["encoder.layers.0.bias_hh_l0"]
    before = plain["encoder.layers.0.bias_ih_l0"] + plain["encoder.layers.0.bias_hh_l0"]
    forget = torch.zeros(16, dtype=torch.bool)
    forget[4:8] = True
    assert torch.equal(before[~forget], total[~forget])
    expected = before[forget] if value is None else torch.full((4,), value)
    assert torch.equal(expected, total[forget])


@pytest.mark.parametrize("name", SPECS)
def test_dropout_is_for_training_only(name: str) -> None:
    """Two passes differ in training mode and agree in evaluation mode."""
    module = build(name, Tokens(50), num_layers=2, dropout=0.5)
    x, lengths = torch.randint(1, 50, (2, 5)), torch.tensor([5, 3])
    assert not torch.equal(module(x, lengths), module(x, lengths))
    module.eval()
    assert torch.equal(module(x, lengths), module(x, lengths))


@pytest.mark.parametrize("name", SPECS)
def test_bfloat16_stays_close(name: str) -> None:
    """Under autocast the outputs stay within bfloat16's precision of float32's."""
    module = build(name, hidden_size=8).eval()
    x, lengths = torch.randn(4, 6, 2), torch.tensor([6, 3, 2, 1])
    with torch.autocast("cpu", torch.bfloat16):
        half = module(x, lengths).float()
    torch.testing.assert_close(half, module(x, lengths), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("name", SPECS)
def test_the_module_tells_its_size(name: str) -> None:
    """`configuration` holds the resolved hidden size and pooling."""
    assert {"hidden_size": 7, "pooling": "mean_max"} == build(name, hidden_size=7).configuration
    assert "last" == build(name, output=Forecast(1)).configuration["pooling"]  # type: ignore[index]


@pytest.mark.parametrize("wrong", [{"hidden_size": 0}, {"dropout": 1.0}, {"pooling": "sum"}, {"init": "orthogonal"}])
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    """Values outside their range are errors when the parameters are made."""
    with pytest.raises(ValidationError):
        SPECS["lstm"].params(**wrong)
