"""`mlflow models serve`, a process per task, asked over HTTP with raw inputs."""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from mlflow_servers import free_port, until
from seqbench.params import validate
from seqbench.registry import discover
from seqbench.store import Store
from seqbench.tracking.choice import model_name
from seqbench.tracking.pyfunc import stored_outputs
from seqbench.tracking.sync import sync_all
from trained_cells import SMALL, planned, train

TASKS = tuple(SMALL)
EXAMPLES = (0, 1, 7, 20)
"""Places of the test examples that are asked about."""


@dataclass
class Served:
    """A server of a task's best model, and the folder of the cell that it was trained in."""

    task: str
    cell: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        assert self.process.poll() is None, f"the server of {self.task} ended"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/ping", timeout=5):
            return True
        return False

    def ask(self, body: str, content_type: str = "application/json") -> tuple[int, Any]:
        """Status and answer of /invocations."""
        request = urllib.request.Request(
            f"{self.address}/invocations", data=body.encode(), headers={"Content-Type": content_type}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def ask_rows(self, column: str, raw: Sequence[Any]) -> tuple[int, Any]:
        return self.ask(json.dumps({"dataframe_split": {"columns": [column], "data": [[one] for one in raw]}}))

    def stored(self, ids: Sequence[str]) -> dict[str, list[float]]:
        return stored_outputs(self.cell / "predictions.csv", ids)


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, cache: Path, empty_database: Path
) -> Iterator[Mapping[str, Served]]:
    """A server per task; all start at once. They have neither the data's cache nor the results' cells."""
    results = tmp_path_factory.mktemp("served") / "results"
    cells = {}
    for task in TASKS:
        (record,) = train(results, planned(task, ("rnn",)))
        assert "ok" == record.status
        cells[task] = (record.task_id, record.folder)
    shutil.copy(empty_database, results / "mlflow.db")
    uri = f"sqlite:///{results}/mlflow.db"
    assert len(TASKS) == len(sync_all(uri, results, Store(results).records()))
    kept = results.rename(results.with_name("elsewhere"))
    for part in ("mlflow.db", "mlartifacts"):
        results.mkdir(exist_ok=True)
        (kept / part).rename(results / part)
    found = {
        task: _server(task, kept / folder, model_name(task_id), uri, results.parent)
        for task, (task_id, folder) in cells.items()
    }
    try:
        for server in found.values():
            until(server.answers, f"the server of {server.task} answers")
        yield found
    finally:
        for server in found.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait(60)


def _server(task: str, cell: Path, name: str, uri: str, folder: Path) -> Served:
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{name}@best"),
            *("--env-manager", "local", "--port", str(port), "--workers", "1"),
        ],
        env={**os.environ, "MLFLOW_TRACKING_URI": uri, "SEQBENCH_CACHE": str(folder / "none")},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Served(task, cell, port, process)


def softmax(outputs: Sequence[float]) -> list[float]:
    shifted = np.exp(np.array(outputs) - max(outputs))
    return [float(value) for value in shifted / shifted.sum()]


def assert_probabilities(answers: Sequence[Mapping[str, Any]], stored: Mapping[str, list[float]]) -> None:
    """The probability of each label is the one that was stored, within 1e-5, and the label is the likeliest."""
    for answer, outputs in zip(answers, stored.values(), strict=True):
        assert pytest.approx(softmax(outputs), abs=1e-5) == list(answer["probabilities"].values())
        assert max(answer["probabilities"], key=answer["probabilities"].get) == answer["label"]
        assert max(answer["probabilities"].values()) == answer["probability"]


def params_of(task: str) -> Any:
    spec = discover().tasks[task]
    return validate(spec.params, SMALL[task], task)


def test_a_sentence_is_answered_as_it_was_tested(servers: Mapping[str, Served]) -> None:
    """Test sentences, in any form that MLflow takes, get the probabilities of the stored predictions."""
    from seqbench_tasks.sentiment.corpus import read_corpus

    server = servers["sentiment"]
    test = [read_corpus("builtin", params_of("sentiment")).splits["test"][place] for place in EXAMPLES]
    texts, ids = [item.text for item in test], [item.place for item in test]
    status, answer = server.ask_rows("text", texts)
    assert 200 == status, answer
    assert_probabilities(answer["predictions"], {name: server.stored(ids)[name] for name in ids})
    table = io.StringIO()
    csv.writer(table).writerows([["text"], *([text] for text in texts)])
    assert answer == server.ask(table.getvalue(), "text/csv")[1]
    assert answer == server.ask(json.dumps({"inputs": {"text": texts}}))[1]
    assert answer == server.ask(json.dumps({"dataframe_records": [{"text": text} for text in texts]}))[1]


def test_a_recording_is_answered_as_it_was_tested(servers: Mapping[str, Served]) -> None:
    """Test recordings, as WAV files in base64, get the probabilities of the stored predictions."""
    from seqbench_tasks.speech_commands.builtin import read_builtin

    server = servers["speech_commands"]
    clips = [read_builtin(params_of("speech_commands")).splits["test"][place] for place in EXAMPLES]
    ids = [clip.id for clip in clips]
    status, answer = server.ask_rows("wav", [_wav(clip.read(16_000), 16_000, "FLOAT") for clip in clips])
    assert 200 == status, answer
    assert_probabilities(answer["predictions"], {name: server.stored(ids)[name] for name in ids})


def _wav(samples: Any, rate: int, subtype: str) -> str:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return base64.b64encode(file.getvalue()).decode()


def test_any_wav_is_answered(servers: Mapping[str, Served]) -> None:
    """A stereo file of 24 bits and 44.1 kHz that lasts longer than a word gets an answer."""
    samples = np.random.default_rng(0).normal(0, 0.1, (66_150, 2)).clip(-1, 1)
    status, answer = servers["speech_commands"].ask_rows("wav", [_wav(samples, 44_100, "PCM_24")])
    assert 200 == status, answer
    assert {"yes", "no", "up"} == set(answer["predictions"][0]["probabilities"])


def test_a_window_is_answered_as_it_was_tested(servers: Mapping[str, Served]) -> None:
    """The days before test days, as CSV and as closes alone, get the forecasts of the stored predictions."""
    from seqbench_tasks.stock_forecasting.panel import read_panel

    server, params = servers["stock_forecasting"], params_of("stock_forecasting")
    (series,) = read_panel("builtin", params)
    with (server.cell / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = [rows[place] for place in EXAMPLES]
    days = [str(day) for day in series.day_names()]
    ends = [days.index(row["date"]) for row in chosen]
    spans = [range(end - params.look_back - 1, end) for end in ends]
    tables = ["Date,Close\n" + "".join(f"{days[day]},{series.price[day]}\n" for day in span) for span in spans]
    status, answer = server.ask_rows("window", tables)
    assert 200 == status, answer
    for found, row in zip(answer["predictions"], chosen, strict=True):
        assert pytest.approx(float(row["predicted"]), rel=1e-5) == found["closes"][0]
        assert float(row["last_close"]) == found["last_close"]
    alone = ["\n".join(str(series.price[day]) for day in span) for span in spans]
    forecasts = [found["closes"] for found in answer["predictions"]]
    assert forecasts == [found["closes"] for found in server.ask_rows("window", alone)[1]["predictions"]]


@pytest.mark.parametrize(
    ("task", "column", "raw", "reason"),
    [
        ("sentiment", "text", ["fine", " "], "row 2: 'text' is empty: give a sentence."),
        ("speech_commands", "wav", ["%%%"], "'wav' is no base64"),
        ("stock_forecasting", "window", ["Date,Close\n2020-01-01,x\n"], "line 2, column 'Close': 'x' is no number"),
        ("sentiment", "sentence", ["fine"], "missing inputs ['text']"),
    ],
)
def test_a_bad_input_gives_one_sentence(
    servers: Mapping[str, Served], task: str, column: str, raw: list[str], reason: str
) -> None:
    """The server answers 400, with a sentence that says what is wrong and no traceback."""
    status, answer = servers[task].ask_rows(column, raw)
    assert 400 == status
    assert reason in answer["message"]
    assert "Traceback" not in json.dumps(answer)
