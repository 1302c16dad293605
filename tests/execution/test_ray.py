"""The same cells on a Ray cluster: real nodes on this machine, each with a cache of its own, one of which is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqbench.benchmark import Options, load
from seqbench.errors import ConfigError, DataError
from seqbench.execution import ray_sent
from seqbench.execution.jobs import (
    CellJob,
    CellMemoryError,
    CellTimeoutError,
    Limits,
    LostWorkerError,
    PrepareJob,
)
from seqbench.execution.ray import RayExecutor
from seqbench.execution.ray_parcels import PluginFile
from seqbench.hardware import GPU_WORKERS
from seqbench.source_code import source_hash
from unmeasured import unmeasured as unmeasured  # noqa: PLC0414 - a fixture of this file
from whole_runs import NO_MLFLOW, reproducible

pytest.importorskip("ray", reason="Ray is not installed: pip install 'seqbench[ray]'")

MARKED = """
import os, time
from pathlib import Path
from seqbench import ModelSpec, hookimpl

def build(input, output, params):
    import torch

    class Mean(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(input.features, output.size)

        def forward(self, x, lengths):
            return self.head(x.sum(1) / lengths[:, None])

    cache = Path(os.environ["SEQBENCH_CACHE"])
    (cache / "built").touch()
    if cache.name == "doomed":
        time.sleep(600)
    end = time.monotonic() + 60
    while cache.name == "first" and not (cache.parent / "doomed" / "built").exists() and time.monotonic() < end:
        time.sleep(0.1)
    return Mean()

@hookimpl
def seqbench_models():
    return [ModelSpec("marked", build, accepts=("dense",))]
"""
"""A model that leaves a mark where it is built, and is never done on the node that is to be killed; the other node does
not take all cells before that one has begun."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the nodes' caches are."""
    return tmp_path_factory.mktemp("nodes")


def node(folder: Path, name: str) -> dict[str, Any]:
    """The options of a node of one core with a cache of its own."""
    return {"num_cpus": 1, "env_vars": {"SEQBENCH_CACHE": str(folder / name)}, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[Any]:
    """A cluster of one node, which tests may add to."""
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args=node(folder, "first"))
    yield started
    started.shutdown()


@pytest.fixture(scope="module")
def executor(cluster: Any, toy: str) -> Iterator[RayExecutor]:
    """A driver in this process."""
    made = RayExecutor((toy,), cluster.address)
    yield made
    made.close(kill=True)


def ended(executor: RayExecutor, future: Future[Any], seconds: float = 120) -> Any:
    """What a job gave, while its limits are watched. Raises what it raised."""
    until = time.monotonic() + seconds
    while not future.done() and time.monotonic() < until:
        executor.watch()
        time.sleep(0.1)
    return future.result(timeout=0)


@pytest.fixture(scope="module")
def jobs(executor: RayExecutor, cache: Path, toy: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CellJob]:
    """A job per model of the toy plugin, its data prepared on the cluster."""
    section = {"tasks": "toy", "models": "toy_gru,toy_deadly", "seeds": "0", "device": "cpu"}
    endless = ("trainer.max_epochs=100000", "trainer.patience=0")
    section["results"] = str(tmp_path_factory.mktemp("results"))
    cells = load(Options(settings=endless, section=section, plugin_files=(toy,))).cells
    source = PrepareJob("toy", "builtin", cells[0].task_params, cells[0].data_key, "builtin")
    prepared = ended(executor, executor.prepare(source))
    return {cell.model: CellJob(cell, prepared, source, "cpu", {}) for cell in cells}


def results(folder: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """What must be equal on every executor: what is so of two runs on one machine, but for the machine; and files."""
    found = {}
    for record, files in reproducible(folder).values():
        del record["environment"]
        found[record["model"], record["seed"]] = {**record, "files": files}
    return found


def test_a_node_is_killed_and_the_records_are_those_of_a_local_run(
    cluster: Any, folder: Path, seqbench: Any, toy: str, tmp_path: Path
) -> None:
    """Two nodes prepare into their own caches; one dies with a cell; all end ok, with the local run's results."""
    (tmp_path / "marked.py").write_text(MARKED)
    given = ("run", "--plugin", toy, "--plugin", "marked.py", "--tasks", "toy", "--models", "marked", "--seeds", "0-2")
    run = [*given, *NO_MLFLOW]
    assert 0 == seqbench(*run, "--results", "local").code

    doomed = cluster.add_node(**node(folder, "doomed"))
    command = [sys.executable, "-m", "seqbench.cli", *run, "--results", "cluster"]
    output = tmp_path / "output.txt"
    with output.open("w") as file:
        process = subprocess.Popen(
            [*command, "--executor", "ray", "--ray-address", cluster.address], cwd=tmp_path, stdout=file, stderr=file
        )
        try:
            while not (folder / "doomed" / "built").exists() and process.poll() is None:
                time.sleep(0.2)
            cluster.remove_node(doomed, allow_graceful=False)
            assert 0 == process.wait(200), output.read_text()
        finally:
            process.kill()
    assert "raylet" not in output.read_text()
    assert (folder / "doomed" / "built").exists()
    assert list((folder / "first" / "prepared").glob("*/meta.json"))
    assert list((folder / "doomed" / "prepared").glob("*/meta.json"))
    on_cluster, local = results(tmp_path / "cluster"), results(tmp_path / "local")
    assert {"ok"} == {record["status"] for record in on_cluster.values()}
    assert {("majority", 0), ("marked", 0), ("marked", 1), ("marked", 2)} == set(on_cluster)
    assert local == on_cluster


def test_time_counts_from_the_start_and_epochs_are_told(executor: RayExecutor, jobs: dict[str, CellJob]) -> None:
    """A cell past its limit of time is stopped, whatever it waited before; what it told of epochs has arrived."""
    future = executor.cell(replace(jobs["toy_gru"], limits=Limits(seconds=2)))
    with pytest.raises(CellTimeoutError, match="limit of 2 s"):
        ended(executor, future)
    told = executor.epochs()
    assert {jobs["toy_gru"].cell.key} == {key for key, _ in told}
    assert list(range(1, len(told) + 1)) == [epoch.epoch for _, epoch in told]


def test_memory_is_limited(executor: RayExecutor, jobs: dict[str, CellJob]) -> None:
    """A cell whose worker holds more than its limit is stopped, and the limit told."""
    with pytest.raises(CellMemoryError, match="limit of 1 MB"):
        ended(executor, executor.cell(replace(jobs["toy_gru"], limits=Limits(memory_bytes=10**6))))


def test_a_worker_that_dies_is_a_lost_worker(executor: RayExecutor, jobs: dict[str, CellJob]) -> None:
    """A model that takes its process with it loses its worker, and nothing else."""
    with pytest.raises(LostWorkerError):
        ended(executor, executor.cell(jobs["toy_deadly"]))


def test_a_baseline_gives_its_record(executor: RayExecutor, jobs: dict[str, CellJob], folder: Path) -> None:
    """A cell's record and files come back as bytes; it names its node's hardware, and leaves no checkpoint there."""
    left = folder / "first" / "checkpoints" / f"{jobs['majority'].cell.key}.safetensors"
    left.parent.mkdir(exist_ok=True)
    left.touch()
    result = ended(executor, executor.cell(replace(jobs["majority"], checkpoints="nowhere")))
    assert "ok" == result.record.status
    assert result.record.environment["cores"] > 0
    assert {"predictions.csv", "log.txt"} == set(result.files)
    assert not left.exists()


def test_errors_keep_their_kind(executor: RayExecutor, jobs: dict[str, CellJob]) -> None:
    """What a node's preparation raises is a DataError that names the node; other data than planned is one, too."""
    broken = replace(jobs["toy_gru"].prepare, location="broken", origin="broken", key="0" * 64)
    with pytest.raises(DataError, match=r"on the Ray node .*line 3 has no label"):
        ended(executor, executor.prepare(broken))
    other = replace(jobs["majority"], prepared=replace(jobs["majority"].prepared, fingerprint="other"))
    with pytest.raises(DataError, match="prepares other data for task 'toy'"):
        ended(executor, executor.cell(other))


def test_nodes_must_have_the_same_code(executor: RayExecutor, jobs: dict[str, CellJob]) -> None:
    """Other versions, and another plugin of the same name, are one sentence that says which."""
    expected = {**ray_sent.versions(), "torch": "1.0"}
    assert "" == ray_sent.refusal(ray_sent.versions())
    assert "torch 1.0: install the same versions" in ray_sent.refusal(expected)
    cell = jobs["toy_gru"].cell
    model = {**cell.provenance["model"], "source_hash": "other"}
    changed = replace(cell, provenance={**cell.provenance, "model": model})
    with pytest.raises(ConfigError, match="other code for the model 'toy_gru'"):
        ended(executor, executor.cell(replace(jobs["toy_gru"], cell=changed)))
    before, executor._expected = executor._expected, expected
    try:
        with pytest.raises(ConfigError, match=r"has torch .* has torch 1\.0"):
            ended(executor, executor.prepare(jobs["toy_gru"].prepare))
    finally:
        executor._expected = before


def test_resources(executor: RayExecutor, jobs: dict[str, CellJob]) -> None:
    """A cell on a GPU takes the part of it that its memory needs, or a worker's; without any GPU it fails."""
    gpu = replace(jobs["toy_gru"], device="cuda:1")
    assert (0.0, 1 / GPU_WORKERS) == (executor._gpus(jobs["toy_gru"]), executor._gpus(gpu))
    before, executor._gpu_memory = executor._gpu_memory, 16 * 10**9
    try:
        parts = [executor._gpus(replace(gpu, memory_bytes=size * 10**9)) for size in (4, 99)]
    finally:
        executor._gpu_memory = before
    assert [0.25, 1.0] == parts
    with pytest.raises(ConfigError, match="no node of the Ray cluster has a GPU"):
        executor.cell(gpu).result()


def test_a_plugin_travels_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin file alone or in a package arrives with the same hash of its source, where it may be loaded."""
    package = tmp_path / "outer" / "inner"
    package.mkdir(parents=True)
    for file in (package.parent / "__init__.py", package / "__init__.py", package / "plugin.py", tmp_path / "alone.py"):
        file.write_text(f"# {file.name}")
    monkeypatch.setenv("SEQBENCH_CACHE", str(tmp_path / "cache"))
    for file in (package / "plugin.py", tmp_path / "alone.py"):
        arrived = PluginFile.of(file).unpacked()
        assert PluginFile.of(file).unpacked() == arrived
        assert tmp_path / "cache" in Path(arrived).parents
        assert source_hash(str(file)) == source_hash(arrived)


@pytest.mark.parametrize(
    ("address", "path", "expected"),
    [
        ("127.0.0.1:9", "", "no Ray cluster can be used at 127.0.0.1:9"),
        ("auto", "without", "pip install 'seqbench[ray]'"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    seqbench: Any, toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, path: str, expected: str
) -> None:
    """A cluster that does not answer, and a Python without Ray, are one line that says what would do, and exit 2."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "ray.py").write_text("raise ModuleNotFoundError(\"No module named 'ray'\")")
    if path:
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / path), os.environ.get("PYTHONPATH", "")]))
    done = seqbench("run", "--plugin", toy, "--tasks", "toy", "--executor", "ray", "--ray-address", address)
    assert 2 == done.code
    assert 1 == len(done.err.splitlines())
    assert expected in done.err
