"""The executor of a Ray cluster: each job a task of one core, and of a part of a GPU where its device is one."""

from __future__ import annotations

import itertools
import logging
import math
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench.children import stderr_closed
from seqbench.errors import ConfigError
from seqbench.execution import ray_sent
from seqbench.execution.jobs import (
    Advance,
    CellJob,
    CellMemoryError,
    CellTimeoutError,
    Limits,
    LostWorkerError,
    PrepareJob,
)
from seqbench.execution.ray_parcels import Kit, PluginFile
from seqbench.execution.start import WORKER_ENVIRONMENT
from seqbench.execution.trouble import Trouble
from seqbench.hardware import GPU_WORKERS, probe
from seqbench.offers import Offer
from seqbench.records import EpochRecord
from seqbench.registry import DISABLED

if TYPE_CHECKING:
    from seqbench.estimates import Cost
    from seqbench.prepare import Prepared
    from seqbench.records import CellResult

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
}
"""Ray tells nobody of its use, and nothing on the driver's output: what matters reaches futures."""
LOOK_SECONDS = 60.0
"""How long the nodes may take at the start to say what they have."""
REACH_SECONDS = 10.0
SLOTS_SECONDS = 2.0
"""How often the size of the cluster is asked for, at most."""
LEAST_GPU = 0.05
"""Part of a GPU that a cell takes at least: each process on one holds a CUDA context of half a gigabyte."""


@dataclass
class _Running:
    """A job that Ray has. started: the monotonic second in which the driver heard of its start; None before."""

    verb: str
    reference: Any
    future: Future[Any]
    limits: Limits
    node: str = ""
    started: float | None = None


class RayExecutor:
    """Jobs as tasks of the Ray cluster at `address`.

    `auto` is the cluster that this machine is part of; without an address it is RAY_ADDRESS's, else one that is started
    on this machine and stopped at the end. Raises ConfigError when Ray is not installed, when no cluster answers, and
    when a node has other versions than this machine.
    """

    is_concurrent = True

    def __init__(self, plugins: tuple[str | Offer, ...], address: str | None) -> None:
        self._ray = _imported()
        self._is_ours = not self._ray.is_initialized()
        if self._is_ours:
            _connect(self._ray, address or os.environ.get("RAY_ADDRESS"))
        self._running: dict[int, _Running] = {}
        self._numbers = itertools.count(1)
        self._epochs: list[tuple[str, EpochRecord]] = []
        self._advances: list[Advance] = []
        self._slots, self._slots_until = 1, 0.0
        self._expected = ray_sent.versions()
        self._gpu_memory = self._look()
        kit = Kit(tuple(_packed(plugins)), str(Path.cwd()))
        self._kit = self._ray.put(pickle.dumps(kit))
        task = {
            "num_cpus": 1,
            "max_retries": 0,
            "runtime_env": {"env_vars": {**WORKER_ENVIRONMENT, DISABLED: os.environ.get(DISABLED, "")}},
        }
        self._task = self._ray.remote(**task)(ray_sent.perform)
        # A worker that has used a GPU would keep its memory, and could not be given another one.
        self._gpu_task = self._ray.remote(**task, max_calls=1)(ray_sent.perform)
        here = self._pinned(self._ray.get_runtime_context().get_node_id())
        self._mailbox = self._ray.remote(num_cpus=0)(ray_sent.Mailbox).options(scheduling_strategy=here).remote()
        self._post = self._mailbox.take.remote()

    @property
    def slots(self) -> int:
        """The cores of the cluster as it is now, at least one."""
        if time.monotonic() > self._slots_until:
            self._slots = max(1, int(self._ray.cluster_resources().get("CPU", 0)))
            self._slots_until = time.monotonic() + SLOTS_SECONDS
        return self._slots

    def prepare(self, job: PrepareJob) -> Future[Prepared]:
        """Prepare data on whichever node is free; the others do so when a cell of theirs needs it."""
        return self._submit("prepare", job, 0.0, Limits())

    def pilot(self, job: CellJob) -> Future[Cost]:
        """Measure on whichever node is free."""
        return self._submit("pilot", job, self._gpus(job), job.limits)

    def cell(self, job: CellJob) -> Future[CellResult]:
        """Run a cell on whichever node is free."""
        return self._submit("cell", job, self._gpus(job), job.limits)

    def epochs(self) -> list[tuple[str, EpochRecord]]:
        """Epochs that workers told of since the last call, in their order: Ray may have carried one past another."""
        self._read_post()
        finished, self._epochs = self._epochs, []
        return sorted(finished, key=lambda told: told[1].epoch)

    def advances(self) -> list[Advance]:
        """How far preparations are that workers told of since the last call."""
        self._read_post()
        told, self._advances = self._advances, []
        return told

    def watch(self) -> None:
        """Stop jobs that are past their limits; the time of a job counts from its start on its node."""
        self._read_post()
        now = time.monotonic()
        for number, running in list(self._running.items()):
            limit = running.limits.seconds
            if limit is not None and running.started is not None and now - running.started > limit:
                self._stop(number, CellTimeoutError(f"it was stopped after its limit of {limit:g} s (--cell-timeout)"))

    def close(self, kill: bool = False) -> None:
        """Leave the cluster, and stop it where it was started here; `kill` stops what is running first."""
        if kill:
            for number in list(self._running):
                self._stop(number, LostWorkerError("the executor was closed"))
        if self._is_ours:
            self._ray.shutdown()

    def _submit(self, verb: str, job: PrepareJob | CellJob, gpus: float, limits: Limits) -> Future[Any]:
        future: Future[Any] = Future()
        if gpus and not self._ray.cluster_resources().get("GPU"):
            future.set_exception(ConfigError("no node of the Ray cluster has a GPU: use --device cpu."))
            return future
        number = next(self._numbers)
        name = f"{verb} {job.task if isinstance(job, PrepareJob) else job.cell.folder}"
        task = self._gpu_task.options(name=name, num_gpus=gpus) if gpus else self._task.options(name=name)
        reference = task.remote(verb, pickle.dumps(job), self._kit, self._mailbox, number, self._expected)
        self._running[number] = _Running(verb, reference, future, limits)
        reference.future().add_done_callback(lambda ended: self._ended(number, ended))
        return future

    def _gpus(self, job: CellJob) -> float:
        """The part of a GPU that a cell takes: its memory's where both are known, else one of several workers'."""
        if not job.device.startswith("cuda"):
            return 0.0
        part = 1 / GPU_WORKERS
        if job.memory_bytes and self._gpu_memory:
            part = job.memory_bytes / self._gpu_memory
        return min(1.0, max(LEAST_GPU, math.ceil(part * 1e4) / 1e4))

    def _ended(self, number: int, ended: Future[Any]) -> None:
        """Hand on what a task gave. Called in a thread of Ray's; a job that was stopped is done already."""
        running = self._running.pop(number, None)
        if running is None:
            return
        with suppress(InvalidStateError):
            try:
                running.future.set_result(_given(*ended.result()))
            except Exception as error:
                running.future.set_exception(self._told(error, running))

    def _told(self, error: Exception, running: _Running) -> Exception:
        """What an executor promises to raise, for what Ray or the job raised."""
        exceptions = self._ray.exceptions
        node = f" on the node {running.node}" if running.node else ""
        if isinstance(error, exceptions.OutOfMemoryError):
            return CellMemoryError(f"Ray stopped its worker{node}, whose memory was used up")
        if isinstance(error, exceptions.RayTaskError):
            return error.cause if isinstance(error.cause, Exception) else error
        if isinstance(error, exceptions.NodeDiedError):
            return LostWorkerError(f"its Ray node {running.node} is gone")
        if isinstance(error, exceptions.RayError):
            return LostWorkerError(f"its Ray worker{node} is gone ({type(error).__name__})")
        return error

    def _stop(self, number: int, reason: Exception) -> None:
        running = self._running.pop(number, None)
        if running is None:
            return
        with suppress(InvalidStateError):
            running.future.set_exception(reason)
        with suppress(Exception):
            self._ray.cancel(running.reference, force=True)

    def _read_post(self) -> None:
        """Take what workers told, without waiting for it."""
        with suppress(self._ray.exceptions.RayError):
            while self._ray.wait([self._post], timeout=0)[0]:
                arrived, self._post = self._post, self._mailbox.take.remote()
                for kind, *values in self._ray.get(arrived):
                    self._heard(kind, values)

    def _heard(self, kind: str, values: list[Any]) -> None:
        if kind == "epoch":
            self._epochs.append((values[0], EpochRecord(**values[1])))
        elif kind == "advance":
            self._advances.append(Advance(*values))
        elif running := self._running.get(values[0]):
            if kind == "started":
                running.node, running.started = values[1], time.monotonic()
            else:
                megabytes = (running.limits.memory_bytes or 0) // 10**6
                self._stop(values[0], CellMemoryError(f"it took more than its limit of {megabytes} MB (--cell-memory)"))

    def _pinned(self, node: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node, soft=False)

    def _look(self) -> int:
        """The memory in bytes of the smallest GPU, 0 for none. Raises ConfigError for a node with other versions."""
        nodes = [node["NodeID"] for node in self._ray.nodes() if node["Alive"]]
        task = self._ray.remote(num_cpus=0, max_retries=0)(ray_sent.look)
        asked = [task.options(scheduling_strategy=self._pinned(node)).remote(self._expected) for node in nodes]
        said, _ = self._ray.wait(asked, num_returns=len(asked), timeout=LOOK_SECONDS)
        memories: list[int] = []
        for reference in said:
            with suppress(self._ray.exceptions.RayError):  # a node that went meanwhile
                refused, sizes = self._ray.get(reference)
                if refused:
                    raise ConfigError(refused)
                memories += sizes
        return min(memories, default=0)


def _imported() -> Any:
    """Ray, with functions of ray_sent going to nodes by value. Raises ConfigError when it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        from ray import cloudpickle
    except ImportError as error:
        raise ConfigError(f"--executor ray needs Ray ({error}): pip install 'seqbench[ray]'.") from None
    cloudpickle.register_pickle_by_value(ray_sent)
    return ray


def _connect(ray: Any, address: str | None) -> None:
    """Join the cluster at `address`, or start one here. Raises ConfigError when that cannot be done."""
    quiet: Mapping[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False}
    try:
        if address:
            _reach(address)
        with stderr_closed(), _own_signals():  # Ray's C++ code tells there of each try
            if address:
                ray.init(address=address, **quiet)
            else:
                ray.init(address="local", num_cpus=probe().cores, include_dashboard=False, **quiet)
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ConfigError(
            f"no Ray cluster can be used at {address or 'this machine'} ({reason}): give --ray-address the address of "
            "one that runs ('ray start --head' starts one), and set RAY_AUTH_MODE=token where it asks for a token."
        ) from None


@contextmanager
def _own_signals() -> Iterator[None]:
    """Afterwards SIGTERM means what it meant before: Ray sets a handler that ends the process on the spot."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _reach(address: str) -> None:
    """Raises OSError when nobody listens at HOST:PORT: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), REACH_SECONDS).close()


def _packed(plugins: Iterable[str | Offer]) -> Iterator[PluginFile | Offer]:
    """Plugins as they travel; a file that is not there is left out, as discovery here has told already."""
    for plugin in plugins:
        if isinstance(plugin, Offer):
            yield plugin
        elif (file := Path(plugin).resolve()).is_file():
            yield PluginFile.of(file)


def _given(refused: str, answer: bytes) -> Any:
    """What a job gave. Raises what it raised, and ConfigError where its node refused it."""
    if refused:
        raise ConfigError(refused)
    given = pickle.loads(answer)  # noqa: S301 - our own workers' bytes
    if isinstance(given, Trouble):
        raise given.error()
    return given
