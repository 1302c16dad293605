"""The speech task: which word is spoken, from log-mel frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqbench import Classes, Output, TaskData, TaskSpec
from seqbench_tasks.classification import METRICS, correct, logistic_regression, majority
from seqbench_tasks.speech_commands.audio import counted
from seqbench_tasks.speech_commands.files import LISTS
from seqbench_tasks.speech_commands.official import fetch_official
from seqbench_tasks.speech_commands.params import SpeechParams, suffix
from seqbench_tasks.speech_commands.sentinels import scaler_is_trains, speakers_are_apart
from seqbench_tasks.speech_commands.serving import SERVING

if TYPE_CHECKING:
    import torch

    from seqbench import SequenceSet
    from seqbench_tasks.classification import Predictor
    from seqbench_tasks.speech_commands.audio import Recordings


def prepare(source: str, params: SpeechParams, cache: Path) -> TaskData:
    """Read the recordings and compute their frames.

    source: `"builtin"` (synthetic voices) or the path of a folder in Speech Commands layout. cache: where frames lie
    while they are made.
    Raises DataError for a source that cannot be used.
    """
    from seqbench_tasks.speech_commands.features import task_data

    return task_data(read(source, params), params, cache)


def read(source: str, params: SpeechParams) -> Recordings:
    """The clips of a source by split, none of them read yet."""
    from seqbench_tasks.speech_commands.builtin import read_builtin
    from seqbench_tasks.speech_commands.folder import read_folder
    from seqbench_tasks.speech_commands.noise import Noise, with_copies

    if source == "builtin":
        return with_copies(read_builtin(params), Noise(), params)
    return read_folder(source, params)


def pooled_frames(split: SequenceSet) -> Any:
    """Mean, standard deviation and maximum of each band over a clip: `float[N, 3 * bands]`."""
    import numpy as np

    rows = []
    for index in range(len(split)):
        frames = split.example(index)
        rows.append(np.concatenate([frames.mean(0), frames.std(0), frames.max(0)]))
    return np.array(rows)


def pooled_logistic_regression(train: SequenceSet, validation: SequenceSet, output: Output) -> Predictor:
    """Logistic regression on pooled log-mel frames: what a word's overall colour tells, without order."""
    return logistic_regression(pooled_frames, train, validation, output)


def augment(x: torch.Tensor, lengths: torch.Tensor, generator: torch.Generator, params: SpeechParams) -> torch.Tensor:
    """Training frames `x: float[batch, time, bands]` shifted in time, with noise, and masked; what is off does nothing.

    Masks are those of SpecAugment (Park et al. 2019), set to 0, the mean of scaled frames. Padding stays 0.
    """
    import torch

    batch, time, bands = x.shape

    def whole(high: int, *shape: int) -> torch.Tensor:
        return torch.randint(0, high, shape, generator=generator, device=x.device)

    steps = torch.arange(time, device=x.device)
    if params.time_shift:
        shift = whole(2 * params.time_shift + 1, batch, 1) - params.time_shift
        source = (steps - shift).clamp(min=0).minimum(lengths[:, None] - 1)
        x = x.gather(1, source[..., None].expand(-1, -1, bands))
    if params.noise_std:
        x = x + params.noise_std * torch.randn(x.shape, generator=generator, device=x.device)
    for _ in range(params.frequency_masks):
        width = whole(params.frequency_width + 1, batch, 1)
        first = whole(bands, batch, 1)
        places = torch.arange(bands, device=x.device)
        x = x.masked_fill(((places >= first) & (places < first + width))[:, None], 0)
    for _ in range(params.time_masks):
        width = whole(params.time_width + 1, batch, 1)
        first = (torch.rand((batch, 1), generator=generator, device=x.device) * lengths[:, None]).long()
        x = x.masked_fill(((steps >= first) & (steps < first + width))[..., None], 0)
    return x.masked_fill((steps >= lengths[:, None])[..., None], 0)


def describe(data: TaskData) -> str:
    """One paragraph: words, clips and speakers per split, rate, and what was left out."""
    notes = data.notes
    sizes = {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}
    splits = ", ".join(f"{name} {size} ({_speakers(notes['speakers'][name])})" for name, size in sizes.items())
    dropped = len(notes.get("dropped", ()))
    were = "was" if dropped == 1 else "were"
    left_out = f" {counted(dropped, 'recording')} {were} left out: {notes['dropped'][0]}." if dropped else ""
    return f"{data.output.size} words at {notes['sample_rate']} Hz, split {notes['split']}: {splits}.{left_out}"


def _speakers(count: int) -> str:
    """How many speakers, or that nobody knows."""
    return counted(count, "speaker") if count else "speakers unknown"


def show(data: TaskData, split: SequenceSet, index: int) -> str:
    """One example as a person reads it: its id, the word, how long it is heard, and its frames."""
    assert isinstance(data.output, Classes)
    count = int(split.lengths[index])
    facts = data.notes["features"]
    seconds = (count - 1) * facts["hop_seconds"] + facts["window_seconds"]
    word = data.output.labels[int(split.targets[index])]
    return f"{split.ids[index]}: '{word}', {seconds:.2f} s, {count} frames of {facts['count']} ({facts['kind']})"


def fetch_from_hub(rest: str, params: SpeechParams, folder: Path) -> Path:
    """`hf:OWNER/NAME[:CONFIG]`, exported by word; what is raised is a DataError."""
    from seqbench_tasks.speech_commands.hub import fetch_hub

    return fetch_hub(rest, params, folder)


TRAINING_PARAMS = (*("time_shift", "noise_std", "frequency_masks", "frequency_width", "time_masks", "time_width"),)
"""What only `augment` looks at."""

SPEC = TaskSpec(
    name="speech_commands",
    prepare=prepare,
    input_kind="dense",
    metrics=METRICS,
    primary="accuracy",
    higher_is_better=True,
    loss="cross_entropy",
    params=SpeechParams,
    baselines={"majority": majority, "logistic_regression": pooled_logistic_regression},
    # Without warm-up the Elman network is thrown out of what it can learn by the first steps at this rate.
    trainer={
        "max_epochs": 7,
        "min_epoch_steps": 30,
        "patience": 4,
        "batch_size": 64,
        "learning_rate": 1e-2,
        "warmup_steps": 45,
        "weight_decay": 0.05,
    },
    model_defaults={"parameter_budget": 50_000, "dropout": 0.3},
    augment=augment,
    example_scores=correct,
    describe=describe,
    show=show,
    fetchers={"hf": fetch_from_hub, "speechcommands": fetch_official},
    fetch_params=("audio_column", "label_column"),
    sidecars=tuple(LISTS.values()),
    training_params=TRAINING_PARAMS,
    suffix=suffix,
    sentinels={"scaler_is_trains": scaler_is_trains, "speakers_are_apart": speakers_are_apart},
    distributions=("scikit-learn", "soundfile", "torchaudio"),
    serving=SERVING,
    about="Which word is spoken, from log-mel frames (synthetic voices in noise, or a folder of recordings).",
)
