"""The nouns: what a model and a task tell the core, and nothing more.

This module imports neither torch nor pandas, because plugins import it for every `seqbench --help`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from seqbench.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from seqbench.sequences import SequenceSet

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Dense:
    """A sequence of real vectors: a model sees `x: float[batch, time, features]`."""

    kind: ClassVar[str] = "dense"
    features: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """A sequence of token numbers: a model sees `x: long[batch, time]` with values in `0 .. vocabulary - 1`.

    Token 0 is padding and never occurs inside a sequence.

    vectors: `float32[vocabulary, dimensions]` to begin the embedding with (GloVe's, say), or None. A model may ignore
    them; `seqbench.nn.SequenceModel` does not.
    """

    kind: ClassVar[str] = "tokens"
    vocabulary: int
    vectors: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.vectors is not None and (self.vectors.ndim != 2 or len(self.vectors) != self.vocabulary):
            raise SpecError(f"vectors {self.vectors.shape} for {self.vocabulary} tokens: give one row per token")


@dataclass(frozen=True, slots=True)
class Classes:
    """One of several labels: a model gives one logit per label; targets are `int64[N]` label numbers."""

    kind: ClassVar[str] = "classes"
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many numbers a model gives per example."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Real values: a model gives `values` numbers per example; targets are `float32[N, values]`."""

    kind: ClassVar[str] = "forecast"
    values: int

    @property
    def size(self) -> int:
        """How many numbers a model gives per example."""
        return self.values


Input = Dense | Tokens
Output = Classes | Forecast

INPUT_KINDS = (Dense.kind, Tokens.kind)


@dataclass(frozen=True)
class NoParams:
    """The parameters of a model or task that has none."""


Predictor = Callable[["SequenceSet"], "NDArray[np.float64]"]
"""`predictor(split) -> float[N, output.size]`; it must not look at `split.targets`."""

Fit = Callable[["SequenceSet", "SequenceSet", Input, Output, Any, int], Predictor]
"""`fit(train, validation, input, output, params, seed) -> predictor`: never given the test split."""


def no_network(input: Input, output: Output, params: Any) -> torch.nn.Module:
    """In place of `build` for a model that fits itself. Raises SpecError."""
    raise SpecError("a model that fits itself builds no network")


@dataclass(frozen=True)
class ModelSpec:
    """A model that can be trained on any task whose input it accepts: a network, or a model that fits itself.

    build: `build(input, output, params) -> torch.nn.Module`. The module's `forward(x, lengths)` gives
        `float[batch, output.size]`; `x` is `float[batch, time, features]` or `long[batch, time]`, right-padded,
        and `lengths` is `long[batch]`. Padding must never change an output. Import torch inside `build`.
    fit: in place of `build`, for what is no network trained by gradients (a scikit-learn estimator):
        `fit(train, validation, input, output, params, seed) -> predictor`. It runs on the CPU, once per seed; settings
        of the trainer do not concern it, no weights are stored, and it cannot be served.
    params: a frozen dataclass or a pydantic model; its fields are the keys of `--set models.NAME.KEY=VALUE`,
        its defaults are the model's, and its values are kept in every record.
    accepts: the kinds of input it takes, out of `"dense"` and `"tokens"` (`Dense` and `Tokens` do too).
    about: one sentence for `seqbench plugins`.
    causal: its states do not depend on later steps. Nothing but `seqbench check` looks at it, by the module's
        `states(x, lengths) -> float[batch, time, size]`, which `seqbench.nn.SequenceModel` has.
    distributions: installed distributions whose version decides its results; part of a cell's key. torch's version
        always is for a network, NumPy's, SciPy's and scikit-learn's for what fits itself.

    Raises SpecError when a field cannot be used.
    """

    name: str
    build: Callable[[Input, Output, Any], torch.nn.Module] = no_network
    params: type = NoParams
    accepts: Collection[str | type] = INPUT_KINDS
    about: str = ""
    fit: Fit | None = None
    causal: bool = False
    distributions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_name("model", self.name)
        if (self.build is no_network) == (self.fit is None):
            raise SpecError(f"model '{self.name}' needs either build (a network) or fit (what fits itself)")
        _check_callable(f"model '{self.name}'", *(("build", self.build) if self.fit is None else ("fit", self.fit)))
        _check_params(f"model '{self.name}'", self.params)
        kinds = tuple(getattr(kind, "kind", kind) for kind in self.accepts)
        if not kinds or any(kind not in INPUT_KINDS for kind in kinds):
            raise SpecError(f"model '{self.name}' accepts {kinds!r}: give one or both of 'dense' and 'tokens'")
        object.__setattr__(self, "accepts", kinds)


@dataclass(frozen=True)
class TaskData:
    """What a task prepared: three splits, and what models may know of them.

    notes: JSON-able facts that preparation found (rows dropped, date range, scaler), kept in each record.
    fingerprint: SHA-256 of the prepared arrays; the core fills it in.
    state: JSON-able: what `TaskSpec.serving` needs to take raw inputs without this data (a vocabulary, scalers, the
        parameters of features); kept beside the weights of each model, in no record.
    raw_examples: a few raw inputs of the test split as text, by the id of their example.
    """

    input: Input
    output: Output
    train: SequenceSet
    validation: SequenceSet
    test: SequenceSet
    notes: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    raw_examples: Mapping[str, str] = field(default_factory=dict)


Metric = Callable[["NDArray[np.float64]", "SequenceSet"], float]
"""`metric(outputs: float[N, output.size], split) -> float`: `split` has the targets, ids and extras."""

ExampleScores = Callable[["NDArray[np.float64]", "SequenceSet"], "NDArray[np.float64]"]
"""`example_scores(outputs: float[N, output.size], split) -> float64[N]`, whose mean is the primary metric."""

Baseline = Callable[["SequenceSet", "SequenceSet", "Output"], Predictor]
"""`baseline(train, validation, output) -> predictor`: fitted without ever being given the test split."""

Augment = Callable[["torch.Tensor", "torch.Tensor", "torch.Generator", Any], "torch.Tensor"]
"""`augment(x, lengths, generator, params) -> x`, on training batches only; random numbers from `generator`."""


Fetch = Callable[[str, Any, "Path"], "Path"]
"""`fetch(rest, params, folder) -> path`: download what `SCHEME:rest` names into the empty `folder`; the path in it is
the source from then on. Raises DataError with one sentence for what cannot be reached: what it was, and what to do."""

Sentinel = Callable[[str, Any, "Path"], str]
"""`sentinel(source, params, cache) -> problem`: empty when all is well; arguments as those of `prepare`."""


Encode = Callable[[Any], "NDArray[Any]"]
"""`encode(raw) -> float32[time, features] or int64[time]`: the sequence that a model is given of one raw input. Raises
DataError with one sentence for an input that cannot be used: what it is, and what would do."""

Decode = Callable[["NDArray[np.float64]", Any], Mapping[str, Any]]
"""`decode(outputs: float64[output.size], raw) -> answer`: JSON-able values by name."""


@dataclass(frozen=True)
class Serving:
    """How a trained model takes raw inputs and gives answers, where nothing is left of the data it was trained on.

    column: what a raw input is called (`text`, `wav`): the one column of the table that a served model is asked with.
    encoder: `encoder(state) -> encode`, called once when a model is loaded; `encode(raw)` gives one raw input as the
        sequence that `prepare` would have made of it. `state` is `TaskData.state`. Heavy imports belong inside.
    decoder: `decoder(state) -> decode`; `decode(outputs, raw)` makes an answer of a model's outputs for one raw input.
        By default the label and each label's probability, or the values of a forecast as they are.
    about: what a raw input is, in one sentence: whoever finds a served model reads it.

    Raises SpecError when a field cannot be used.
    """

    column: str
    encoder: Callable[[Mapping[str, Any]], Encode]
    decoder: Callable[[Mapping[str, Any]], Decode] | None = None
    about: str = ""

    def __post_init__(self) -> None:
        _check_name("column", self.column)
        _check_callable(f"serving of column '{self.column}'", "encoder", self.encoder)
        if self.decoder is not None:
            _check_callable(f"serving of column '{self.column}'", "decoder", self.decoder)


@dataclass(frozen=True)
class TaskSpec:
    """A task that any model accepting its kind of input can be trained on.

    prepare: `prepare(source, params, cache) -> TaskData`. `source` is `"builtin"` or what `--data` gave (an absolute
        path, or a glob pattern: `seqbench.expand(source)` gives the paths); `cache` is a folder for downloads. Scalers
        and vocabularies are fitted on train only. Raises DataError with one sentence for a source that cannot be used.
        Heavy imports belong inside.
    input_kind: `"dense"` or `"tokens"`, known before any data is touched.
    metrics: name → `metric(outputs, split) -> float`, computed on validation (`primary`) and on test (all).
    primary: the metric that ranks, stops early and picks the best weights. higher_is_better: is more of it better?
    loss: `"cross_entropy"`, `"mse"`, `"mae"`, `"huber"`, or `loss(outputs, targets) -> scalar tensor`.
    params: a frozen dataclass or pydantic model: the keys of `--set tasks.NAME.KEY=VALUE`.
    baselines: name → `baseline(train, validation, output) -> predictor`; on every board of this task.
    trainer: this task's defaults for the training protocol (fields of `seqbench.protocol.TrainerConfig`).
    model_defaults: defaults for model parameters of that name, the same for each model that has them
        (`parameter_budget`, `dropout`, `embedding_size`).
    augment: `augment(x, lengths, generator, params) -> x`, or None.
    example_scores: `example_scores(outputs, split) -> float64[N]`, one score per example whose mean is the primary
        metric. Models are compared on these, example by example. Without them this is done where the primary metric
        is the accuracy, the log loss, or the mean absolute or squared error of the outputs; for any other metric boards
        can only compare seeds.
    predictions: `predictions(outputs, split) -> {column: array[N]}`, further columns of the stored predictions.
        For a forecast the columns `date`, `actual` and `predicted` are what is plotted.
    remarks: `remarks(outputs, split) -> sentences`, what a reader of a cell's scores should know of its test
        predictions (that a forecast is the last value repeated, say), kept in the record.
    describe: `describe(data) -> str`, one paragraph about prepared data, or None.
    show: `show(data, split, index) -> str`, one example as a person reads it, or None.
    fetchers: scheme → `fetch(rest, params, folder) -> path`, for sources written `SCHEME:REST`.
    fetch_params: names of parameters that a fetcher looks at: with another value it is called again.
    file_params: names of parameters that are paths of files: the files' content is part of the data's identity.
    sidecars: patterns of file names that the task also reads beside what a glob pattern matches (lists of splits).
    training_params: names of parameters that prepared data does not depend on (augmentation).
    suffix: `suffix(changed) -> str`, what follows `task@source` in the task's id for the parameters that differ from
        their defaults; by default `[key=value,...]`.
    sentinels: name → `sentinel(source, params, cache) -> problem`: this task's own checks for leaks, run by
        `seqbench data audit` beside those that hold for every task.
    distributions: installed distributions whose version decides the prepared data; part of a cell's key.
    about: one sentence for `seqbench plugins`.
    serving: how a trained model takes raw inputs, or None: then no model of this task can be served.

    Raises SpecError when a field cannot be used.
    """

    name: str
    prepare: Callable[[str, Any, Path], TaskData]
    input_kind: str
    metrics: Mapping[str, Metric]
    primary: str
    higher_is_better: bool
    loss: str | Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    params: type = NoParams
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    trainer: Mapping[str, Any] = field(default_factory=dict)
    model_defaults: Mapping[str, Any] = field(default_factory=dict)
    augment: Augment | None = None
    example_scores: ExampleScores | None = None
    predictions: Callable[[NDArray[np.float64], SequenceSet], Mapping[str, NDArray[Any]]] | None = None
    remarks: Callable[[NDArray[np.float64], SequenceSet], Sequence[str]] | None = None
    describe: Callable[[TaskData], str] | None = None
    show: Callable[[TaskData, SequenceSet, int], str] | None = None
    fetchers: Mapping[str, Fetch] = field(default_factory=dict)
    fetch_params: tuple[str, ...] = ()
    file_params: tuple[str, ...] = ()
    sidecars: tuple[str, ...] = ()
    training_params: tuple[str, ...] = ()
    suffix: Callable[[Mapping[str, Any]], str] | None = None
    sentinels: Mapping[str, Sentinel] = field(default_factory=dict)
    distributions: tuple[str, ...] = ()
    about: str = ""
    serving: Serving | None = None

    def __post_init__(self) -> None:
        _check_name("task", self.name)
        who = f"task '{self.name}'"
        _check_callable(who, "prepare", self.prepare)
        _check_params(who, self.params)
        if self.input_kind not in INPUT_KINDS:
            raise SpecError(f"{who} has input_kind {self.input_kind!r}: give 'dense' or 'tokens'")
        if self.primary not in self.metrics:
            raise SpecError(f"{who} names {self.primary!r} as primary, which is not among its metrics")
        if not (callable(self.loss) or self.loss in LOSSES):
            raise SpecError(f"{who} has loss {self.loss!r}: give one of {', '.join(LOSSES)}, or a function")
        if not (self.serving is None or isinstance(self.serving, Serving)):
            raise SpecError(f"{who} has serving {self.serving!r}: give a seqbench.Serving, or None")
        if self.example_scores is not None:
            _check_callable(who, "example_scores", self.example_scores)
        for kind, functions in (
            ("metric", self.metrics),
            ("baseline", self.baselines),
            ("fetcher", self.fetchers),
            ("sentinel", self.sentinels),
        ):
            for name, function in functions.items():
                _check_callable(who, f"{kind} '{name}'", function)


LOSSES = ("cross_entropy", "mse", "mae", "huber")


def _check_name(kind: str, name: object) -> None:
    if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
        raise SpecError(f"{kind} name {name!r}: use lower-case letters, digits, '_' and '-', starting with a letter")


def _check_callable(who: str, what: str, value: object) -> None:
    if not callable(value):
        raise SpecError(f"{who} has a {what} that cannot be called: {value!r}")


def _check_params(who: str, params: object) -> None:
    is_schema = isinstance(params, type) and (
        hasattr(params, "__dataclass_fields__") or hasattr(params, "model_fields")
    )
    if not is_schema:
        raise SpecError(f"{who} has params {params!r}: give a dataclass or a pydantic model class")
