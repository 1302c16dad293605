"""What a cell costs is measured beside its result, and never moves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load
from torch import Tensor, nn

from seqbench import cell as cells
from seqbench.benchmark import Options
from seqbench.benchmark import load as planned
from seqbench.costs import Bound, bound_of, clocked, count_macs, latency, middle, training_rate
from seqbench.prepare import prepare
from seqbench.protocol import TrainerConfig
from seqbench.records import CellResult, EpochRecord
from seqbench.sequences import SequenceSet
from seqbench.store import Store
from whole_runs import NO_MLFLOW

TIMED = str(Path(__file__).parent / "timed_plugin.py")
CPU = torch.device("cpu")
LATENCIES = ("latency_p50_ms", "latency_p95_ms", "batch_latency_p50_ms", "batch_latency_p95_ms")


def results(*settings: str, is_alone: bool = False) -> dict[str, CellResult]:
    """By model, the cells of the timed plugin, run in this process."""
    section = {"tasks": "drawn", "models": "counting", "seeds": "0"}
    benchmark = planned(Options(plugin_files=(TIMED,), section=section, settings=settings))
    found = {}
    for cell in benchmark.cells:
        spec = benchmark.registry.tasks[cell.task]
        prepared = prepare(spec, cell.location, cell.task_params, cell.data_key)
        found[cell.model] = cells.run_cell(
            cell, benchmark.registry, prepared, "cpu", {}, lambda _: None, is_alone=is_alone
        )
    assert all("ok" == result.record.status for result in found.values())
    return found


@pytest.mark.parametrize(("recurrence", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_multiplications_of_a_recurrence(recurrence: Callable[..., nn.RNNBase], gates: int) -> None:
    """Each step of 5 units multiplies 3 inputs and 5 states per gate, and the head 5 numbers for each of 2 outputs."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrence, self.head = recurrence(3, 5, batch_first=True), nn.Linear(5, 2)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            found: Tensor = self.head(self.recurrence(x)[0][:, -1])
            return found

    module = Last()
    assert 7 * gates * 5 * (3 + 5) + 5 * 2 == count_macs(module, of_length(7, 3), CPU)
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_model_that_multiplies_nothing() -> None:
    """A view of a parameter costs nothing; a forward pass that cannot be counted leaves the cost unknown."""

    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias, self.frozen = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2), requires_grad=False)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return self.bias.expand(len(lengths), 2)

    class Picky(Constant):
        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            raise KeyError("never a single example")

    module = Constant()
    assert 0 == count_macs(module, of_length(7, 3), CPU)
    assert (True, False) == (module.bias.requires_grad, module.frozen.requires_grad)
    assert count_macs(Picky(), of_length(7, 3), CPU) is None


def of_length(steps: int, size: int) -> SequenceSet:
    """Three examples."""
    return SequenceSet.from_sequences([np.zeros((steps, size), np.float32)] * 3, np.zeros(3, np.int64))


def test_timing_is_bounded_by_times_and_by_seconds() -> None:
    """Quick work is timed as often as allowed, slow work as long as there is time, and very slow work once."""
    assert 7 == len(clocked(lambda: None, CPU, Bound(7, 60.0)))
    some = clocked(lambda: time.sleep(0.02), CPU, Bound(100, 0.07))
    assert 1 <= len(some) <= 3
    begin = time.perf_counter()
    (once,) = clocked(lambda: time.sleep(0.05), CPU, Bound(100, 0.01))
    assert 0.05 <= once <= time.perf_counter() - begin


def test_timing_takes_little_of_a_cell() -> None:
    """Passes of a long cell are timed for 0.04 s, those of a short one for a fiftieth of its training, or 5 ms."""
    assert [0.04, 0.02, 0.005] == [bound_of(seconds).seconds for seconds in (3600.0, 1.0, 0.0)]


def test_the_first_time_does_not_count() -> None:
    """What is made once, at the first call, is in no clock."""
    waits = iter([1.0])
    clocks = clocked(lambda: time.sleep(next(waits, 0.0)), CPU, Bound(10, 60.0))
    assert 10 == len(clocks)
    assert max(clocks) < 1.0


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 50))
def test_a_batch_of_middling_length(lengths: list[int], count: int) -> None:
    """As many examples are taken as far from the shortest as from the longest; of one, the median is taken."""
    array = np.array(lengths)
    chosen = middle(array, count)
    assert min(count, len(lengths)) == len(set(chosen.tolist())) == len(chosen)
    ordered = sorted(lengths)
    assert ordered[len(lengths) // 2] == array[middle(array, 1)[0]]
    spare = len(lengths) - len(chosen)
    assert sorted(array[chosen].tolist()) in [
        ordered[begin : begin + len(chosen)] for begin in range(max(0, spare // 2 - 1), spare // 2 + 2)
    ]


def test_the_rate_of_training_counts_every_pass() -> None:
    """Examples per second are those of all passes of all epochs over the seconds of training alone."""
    history = [EpochRecord(number, 0.1, 0.1, 0.1, 1.0, 0.1, seconds) for number, seconds in enumerate((1.0, 3.0))]
    config = TrainerConfig(batch_size=10, min_epoch_steps=6)  # two steps a pass, so three passes
    assert 2 * 3 * 20 / 4.0 == training_rate(history, 20, config)
    assert training_rate([], 20, config) is None


def test_latencies_are_those_of_a_forward_pass(cache: Path) -> None:
    """A pass that takes five milliseconds is told as such, of one example and of a batch of at most 256."""
    costs = results("models.counting.milliseconds=5")["counting"].record.costs
    assert 256 == costs.batch_size
    for name in LATENCIES:
        assert 5.0 <= getattr(costs, name) < 100.0
    assert costs.latency_p50_ms is not None
    assert costs.latency_p95_ms is not None
    assert costs.latency_p50_ms <= costs.latency_p95_ms
    assert costs.examples_per_second is not None
    assert 0 < costs.examples_per_second < 100 / 0.010  # two steps a pass


def test_timing_moves_no_result(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often passes are timed, a model that counts them and draws in them gives the same bits.

    The task's metric, which draws next, gives the same, too.
    """
    often = results()["counting"]
    monkeypatch.setattr(cells, "bound_of", lambda _: Bound(1, 10.0))
    seldom = results()["counting"]
    assert often.record.reproducible() == seldom.record.reproducible()
    assert often.files["predictions.csv"] == seldom.files["predictions.csv"]
    assert often.files["weights.safetensors"] == seldom.files["weights.safetensors"]
    assert 0 < load(often.files["weights.safetensors"])["passes"].item()


def test_timing_takes_no_part_in_the_peak_of_memory(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a timed pass takes is in no peak: that is read before."""
    taken: list[Any] = []

    def greedy(*arguments: Any, **options: Any) -> dict[str, Any]:
        taken.append(np.ones(64 << 20))
        return latency(*arguments, **options)

    plain = results()["counting"].record.costs.peak_memory_bytes
    monkeypatch.setattr(cells, "latency", greedy)
    peak = results()["counting"].record.costs.peak_memory_bytes
    assert taken
    assert plain is not None
    assert peak is not None
    assert peak < plain + (256 << 20)


def test_baselines_are_timed_where_they_can_be(cache: Path) -> None:
    """A predictor's latency is measured; one that takes nothing but the whole test split has none and says why."""
    found = results()
    always, stubborn = (found[name].record.costs for name in ("always", "stubborn"))
    assert all(0 < getattr(always, name) < 100 for name in LATENCIES)
    assert 256 == always.batch_size
    assert [None] * 6 == [getattr(stubborn, name) for name in (*LATENCIES, "batch_size", "examples_per_second")]
    assert "latency could not be measured (give me all of it)" in found["stubborn"].files["log.txt"].decode()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--workers", "2", "--seeds", "0-1"), False),
        (("--workers", "2", "--seeds", "0", "--no-baselines"), True),
        (("--executor", "inline", "--seeds", "0"), True),
    ],
)
def test_a_cell_says_whether_others_could_run_beside_it(
    seqbench: Callable[..., Any], toy: str, tmp_path: Path, options: tuple[str, ...], expected: bool
) -> None:
    """With one worker, or one cell, nothing of the run is beside it; with two workers and several cells there is."""
    done = seqbench("run", "--plugin", toy, "--tasks", "toy", "--models", "toy_gru", *options, *NO_MLFLOW)
    assert 0 == done.code, done.err
    costs = [record.costs for record in Store(tmp_path / "results").records()]
    assert {expected} == {cost.alone for cost in costs}
    assert {200} == {cost.batch_size for cost in costs}
