"""Raw inputs as somebody would send them become exactly what the task has prepared of them."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from seqbench import DataError, TaskData
from seqbench.params import validate
from seqbench.registry import discover
from seqbench.spec import Decode, Encode, Serving, TaskSpec

Write = Callable[[str, str | bytes], Path]
RATES = (8000, 16_000, 22_050, 44_100)


def spec_of(task: str) -> TaskSpec:
    return discover().tasks[task]


def serving_of(task: str) -> Serving:
    found = spec_of(task).serving
    assert found is not None
    return found


def prepared(task: str, source: str, folder: Path, **params: Any) -> tuple[TaskData, Encode, Decode | None]:
    """The data, and the encoder and decoder of its state as it is after a way through JSON."""
    spec, serving = spec_of(task), serving_of(task)
    data = spec.prepare(source, validate(spec.params, params, task), folder)
    state = json.loads(json.dumps(data.state))
    return data, serving.encoder(state), serving.decoder(state) if serving.decoder else None


def assert_as_prepared(data: TaskData, encode: Encode, raw: Mapping[str, Any]) -> None:
    """Each raw input, by the id of its test example, gives that example, bit for bit."""
    assert raw
    places = {str(name): place for place, name in enumerate(data.test.ids)}
    for name, one in raw.items():
        assert np.array_equal(data.test.example(places[name]), encode(one)), name


@pytest.mark.parametrize("tokenizer", ["word", "bpe"])
def test_sentences_are_numbered_as_in_training(write: Write, tokenizer: str) -> None:
    """A text of a file gives the tokens that its row gave: white space, case, unknown words and long texts included."""
    texts = [f"  A {word}   Film, number {number} " for word in ("good", "bad") for number in range(30)]
    rows = [("text", "label"), *((text, text.split()[1]) for text in texts)]
    tests = [*rows[:3], ("Gut\u00a0GEMACHT und good — ﬁne", "good"), ("good " * 40, "good")]
    for name, content in (("train.tsv", rows), ("dev.tsv", rows[:9]), ("test.tsv", tests)):
        write(f"reviews/{name}", "".join("\t".join(row) + "\n" for row in content))
    folder = write("reviews/train.tsv", "".join("\t".join(row) + "\n" for row in rows)).parent
    data, encode, _ = prepared("sentiment", str(folder), folder, tokenizer=tokenizer, max_length=20, dedupe=False)
    raw = {f"test.tsv:{line}": text for line, (text, _) in enumerate(tests[1:], 2)}
    assert_as_prepared(data, encode, raw)
    assert_as_prepared(data, encode, data.raw_examples)


@pytest.mark.parametrize("raw", ["", "  \n ", None, 3.5, float("nan"), ["a"]])
def test_what_is_no_sentence_is_told(raw: Any, tmp_path: Path) -> None:
    """An empty cell, a number or a list is no text, and the error is one sentence that says what to give."""
    _, encode, _ = prepared("sentiment", "builtin", tmp_path, reviews=[40, 10, 10])
    with pytest.raises(DataError, match=r"^'text' is .*: give a sentence\.$"):
        encode(raw)


def recordings(folder: Path) -> Path:
    """Two words by three speakers, each file of another rate, width, length or number of channels."""
    random = np.random.default_rng(0)
    kinds = [(rate, subtype) for rate in RATES for subtype in ("PCM_16", "PCM_24", "PCM_U8", "FLOAT")]
    for word in ("left", "right"):
        for number, (rate, subtype) in enumerate(kinds):
            seconds = 0.4 + 0.08 * number  # the last ones are cut
            shape = (int(seconds * rate), 1 + number % 2)
            path = folder / word / f"s{number % 8}_nohash_{number // 8}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, random.normal(0, 0.1, shape).clip(-1, 1), rate, subtype)
    return folder


@pytest.mark.parametrize("params", [{}, {"features": "mfcc", "deltas": 2, "pad": True, "sample_rate": 8000}])
def test_recordings_become_the_frames_of_training(tmp_path: Path, params: dict[str, Any]) -> None:
    """A WAV of any rate, width, length and number of channels gives the frames that the task made of the file."""
    folder = recordings(tmp_path / "words")
    data, encode, _ = prepared("speech_commands", str(folder), tmp_path, **params)
    contents = {str(name): (folder / str(name)).read_bytes() for name in data.test.ids}
    assert_as_prepared(data, encode, contents)
    texts = {name: base64.b64encode(content).decode() for name, content in contents.items()}
    assert_as_prepared(data, encode, texts)
    assert_as_prepared(data, encode, {name: f"data:audio/wav;base64,{text}\n" for name, text in texts.items()})
    wrapped = {name: base64.encodebytes(content).decode() for name, content in contents.items()}
    assert_as_prepared(data, encode, wrapped)
    assert_as_prepared(data, encode, data.raw_examples)


def odd_wav(rate: int, samples: int = 100) -> str:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(samples), rate, format="WAV")
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "is empty"),
        ("not base 64!", "is no base64"),
        (base64.b64encode(b"no sound at all").decode(), "cannot be read"),
        (odd_wav(16_000, 0), "has no samples"),
        (odd_wav(44_101 * 1009), "samples per second, which nothing records at"),
        (None, "is NoneType and no recording"),
        (7, "is int and no recording"),
    ],
)
def test_what_is_no_recording_is_told(raw: Any, reason: str, tmp_path: Path) -> None:
    """What is no base64, no sound, or a sound that nobody can have recorded gives one sentence, and no traceback."""
    _, encode, _ = prepared("speech_commands", "builtin", tmp_path, words=["yes", "no"], noise_draws=1)
    with pytest.raises(DataError) as told:
        encode(raw)
    assert str(told.value).startswith("'wav' ")
    assert reason in str(told.value)
    assert str(told.value).endswith(".")


def prices(days: int = 400, seed: int = 0) -> list[dict[str, Any]]:
    """Trading days of a random walk."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, days)))
    dates = np.datetime64("2020-01-01") + np.arange(days)
    return [
        {
            "Date": str(date),
            "Open": price * 0.99,
            "High": price * 1.02,
            "Low": price * 0.98,
            "Close": price,
            "Adj Close": price * 0.9,
            "Volume": int(1e6 * (1 + abs(random.normal()))),
        }
        for date, price in zip(dates, close, strict=True)
    ]


def as_csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def of_columns(*columns: str, days: list[dict[str, Any]] | None = None) -> str:
    return as_csv(columns, ([day[name] for name in columns] for day in days or prices()))


BARS = ("Date", "Open", "High", "Low", "Close", "Adj Close", "Volume")
SOURCES = {
    "one.csv": of_columns("Date", "Close"),
    "bars.csv": of_columns(*BARS),
    "no_volume.csv": of_columns(*BARS[:5]),
    "named.csv": as_csv(("Date", "SPX", "Other"), ([day["Date"], day["Close"], day["Open"]] for day in prices())),
    "long.csv": as_csv(
        ("date", "symbol", "close"),
        ([day["Date"], symbol, day["Close"]] for seed, symbol in enumerate(("AA", "BB")) for day in prices(seed=seed)),
    ),
    "wide.csv": as_csv(
        ("Date", "AA", "BB"),
        ([one["Date"], one["Close"], other["Close"]] for one, other in zip(prices(), prices(seed=1), strict=True)),
    ),
}


@pytest.mark.parametrize(
    ("source", "params"),
    [
        ("one.csv", {}),
        ("one.csv", {"target": "close", "scaler": "minmax", "horizon": 3}),
        ("one.csv", {"target": "close", "features": "returns"}),
        ("bars.csv", {"features": "ohlcv"}),
        ("bars.csv", {"features": "ohlcv", "price": "adj_close"}),
        ("bars.csv", {"features": "ohlcv", "column": "Adj Close"}),
        ("no_volume.csv", {"features": "ohlcv"}),
        ("named.csv", {"column": "SPX"}),
        ("long.csv", {"ticker": "all"}),
        ("long.csv", {"ticker": "BB"}),
        ("wide.csv", {"column": "all"}),
    ],
)
def test_windows_become_the_inputs_of_training(source: str, params: dict[str, Any], write: Write) -> None:
    """The days before a test day, as CSV, give its window's inputs, and outputs become the closes stored for it."""
    path = write(source, SOURCES[source])
    data, encode, decode = prepared("stock_forecasting", str(path), path.parent, look_back=10, **params)
    assert_as_prepared(data, encode, data.raw_examples)
    outputs = np.random.default_rng(0).normal(size=(len(data.test), data.output.size))
    predictions = spec_of("stock_forecasting").predictions
    assert predictions is not None
    assert decode is not None
    stored = predictions(outputs, data.test)
    for place, window in enumerate(data.raw_examples.values()):
        answer = decode(outputs[place], window)
        assert pytest.approx(float(stored["predicted"][place]), abs=1e-9) == answer["closes"][0]
        assert float(data.test.extras["last_close"][place]) == answer["last_close"]
        assert str(data.test.extras["origin"][place]) == answer["origin"]


def test_a_window_may_be_cut_out_of_the_source(write: Write) -> None:
    """Rows of the task's own file, more of them than needed or newest first, are read as that file was."""
    path = write("named.csv", SOURCES["named.csv"])
    data, encode, _ = prepared("stock_forecasting", str(path), path.parent, look_back=10, column="SPX")
    header, *lines = SOURCES["named.csv"].splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(str(data.test.extras["origin"][5])))
    days = lines[place - 20 : place + 1]
    for chosen in (days, days[::-1], [line.replace(",", ";") for line in days]):
        head = header.replace(",", ";") if ";" in chosen[0] else header
        assert np.array_equal(data.test.example(5), encode("\n".join([head, *chosen])))


def test_closes_alone_are_a_window(write: Write) -> None:
    """Closes in lines, in one line, as a JSON list or below a name are the same window as days with dates."""
    path = write("one.csv", SOURCES["one.csv"])
    data, encode, decode = prepared("stock_forecasting", str(path), path.parent, look_back=10)
    window = next(iter(data.raw_examples.values()))
    closes = [line.split(",")[1] for line in window.splitlines()[1:]]
    joined = ("\n".join(closes), ", ".join(closes), f"[{','.join(closes)}]", "Close\n" + "\n".join(closes))
    for text in joined:
        assert np.array_equal(data.test.example(0), encode(text))
    assert decode is not None
    assert ("", float(closes[-1])) == tuple(decode(np.zeros(1), joined[0])[key] for key in ("origin", "last_close"))


def test_the_series_of_a_panel_is_told_by_name(write: Write) -> None:
    """A window of a panel is scaled as the series that it names, by a ticker column or the name of its price column."""
    path = write("wide.csv", SOURCES["wide.csv"])
    data, encode, decode = prepared("stock_forecasting", str(path), path.parent, look_back=10, column="all")
    window = next(iter(data.raw_examples.values()))
    lines = [line.split(",") for line in window.splitlines()]
    named = "\n".join(f"{day},{close}" for day, _, close in [["Date", "", "aa"], *lines[1:]])
    assert np.array_equal(encode(window), encode(named))
    other = window.replace(",AA,", ",BB,")
    assert not np.array_equal(encode(window), encode(other))
    assert decode is not None
    assert "BB" == decode(np.zeros(1), other)["series"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "window is empty"),
        ("hello", "has no header with at least two columns"),
        ("1 2 3", "window has 3 days, fewer than the 11 of look_back = 10 and the day before it: give the last 11"),
        ("1\n" * 10 + "-1", "has a close that is not positive"),
        ("1\n" * 10 + "1e999", "has a close that is not positive"),
        (of_columns("Date", "Close", days=prices(10)), "window has 10 days, fewer than the 11"),
        (of_columns("Date", "Close", days=prices(20)).replace("2020-01-03,", "2020-01-03,x"), "line 4, column 'Close'"),
        ("20200101,5\n20200102,6\n", "window has 2 days"),
        ("<html></html>", "is a web page"),
        (b"1,2", "is bytes and no text"),
        (None, "is NoneType and no text"),
    ],
)
def test_what_is_no_window_is_told(raw: Any, reason: str, write: Write) -> None:
    """Too few days, no prices or no table give one sentence with line and column where there are any."""
    path = write("one.csv", SOURCES["one.csv"])
    _, encode, _ = prepared("stock_forecasting", str(path), path.parent, look_back=10)
    with pytest.raises(DataError) as told:
        encode(raw)
    assert reason in str(told.value)
    assert str(path) not in str(told.value)


@pytest.mark.parametrize(
    ("source", "params", "raw", "reason"),
    [
        ("bars.csv", {"features": "ohlcv"}, "1 2 3", "needs open, high and low too"),
        ("bars.csv", {"features": "ohlcv"}, of_columns("Date", "Close"), "has no open column"),
        ("bars.csv", {"features": "ohlcv"}, of_columns(*BARS[:5]), "window has no volume, which the model needs"),
        ("long.csv", {"ticker": "all"}, of_columns("Date", "Close"), "does not say which series it is of"),
        ("long.csv", {"ticker": "all"}, "1\n" * 11, "does not say which series it is of"),
        ("long.csv", {"ticker": "all"}, SOURCES["long.csv"], "window has several tickers (AA, BB): give the days of"),
        ("one.csv", {}, SOURCES["wide.csv"], "AA, BB"),
    ],
)
def test_what_a_window_lacks_is_told(source: str, params: dict[str, Any], raw: str, reason: str, write: Write) -> None:
    """A window without a column that the model was trained on, or of nobody knows whom, is refused in one sentence."""
    path = write(source, SOURCES[source])
    _, encode, _ = prepared("stock_forecasting", str(path), path.parent, look_back=10, **params)
    with pytest.raises(DataError) as told:
        encode(raw)
    assert reason in str(told.value)
