"""The conformance kit finds each mistake by the check that is for it, and nothing where there is none."""

from __future__ import annotations

import contextlib
import socket
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqbench import Classes, ConfigError, Dense, ModelSpec, NoParams, SequenceSet, SpecError, TaskData, Tokens
from seqbench.registry import discover
from seqbench.testing import MODEL_CHECKS, TASK_CHECKS, Inspection, Report, check_model, check_task
from seqbench.testing.watch import watched

REPOSITORY = Path(__file__).resolve().parents[2]
BROKEN = REPOSITORY / "tests" / "third_party" / "broken"
REGISTRY = discover([str(BROKEN / f"{name}.py") for name in ("models", "tasks", "imports_torch", "slow_import")])

MODEL_MISTAKES = {
    "imports_torch": "no_torch_at_discovery",
    "raises": "builds",
    "opens_a_file": "no_file_or_network_in_build",
    "opens_a_socket": "no_file_or_network_in_build",
    "seeds_in_build": "no_global_random_state",
    "sets_threads": "no_thread_settings",
    "sets_a_flag": "no_global_settings",
    "list_of_layers": "parameters_found",
    "over_budget": "within_budget",
    "squeezed_outputs": "output_shape",
    "dropout_in_evaluation": "evaluation_is_deterministic",
    "needs_two_steps": "length_one",
    "padding_in_mean": "padding_invariance",
    "last_padded_step": "padding_invariance",
    "place_in_batch": "batch_order_invariance",
    "batch_statistics": "batch_size_invariance",
    "detached_parameter": "gradients_reach_parameters",
    "unused_parameter": "gradients_reach_parameters",
    "first_step_lost": "gradient_reaches_first_step",
    "code_in_state": "state_dict_is_plain",
    "chance_outside_weights": "save_and_load",
    "own_generator": "same_seed_same_result",
    "fixed_generator": "seed_decides_weights",
    "cannot_learn": "overfits_one_batch",
    "double_weights": "float32",
    "only_float32": "float64",
    "two_dtypes": "bfloat16",
    "forgotten_buffer": "devices",
    "left_on_cpu": "devices",
    "looks_ahead": "causality",
    "fit_peeking": "predictor_ignores_targets",
    "fit_by_chance": "same_seed_same_result",
}
TASK_MISTAKES = {
    "slow_import": "import_time",
    "unknown_option": "trainer_defaults",
    "other_input": "prepares",
    "from_the_global_generator": "no_global_random_state",
    "token_zero": "inputs_in_range",
    "label_out_of_range": "targets_in_range",
    "without_a_seed": "deterministic",
    "objects": "survives_the_cache",
    "one_fingerprint": "fingerprint_changes",
    "wrong_training_params": "fingerprint_changes",
    "test_in_train": "splits_are_disjoint",
    "same_ids": "ids_are_unique",
    "scaled_by_all": "fitted_on_train_only",
    "wrong_direction": "metrics_agree",
    "other_scores": "example_scores_average",
    "crashing_remarks": "evaluates",
    "one_column_more": "baselines_run",
    "reads_targets": "baselines_ignore_targets",
    "told_by_ids": "shuffled_labels_give_chance",
    "ringing_sentinel": "own_sentinels",
    "other_encoder": "raw_inputs_are_as_prepared",
    "crashing_show": "sample_can_be_shown",
    "loss_per_example": "loss_trains",
    "unseeded_augment": "augment_is_seeded",
    "file_not_found": "missing_source_is_a_sentence",
}


def failed(report: Report) -> list[str]:
    return [finding.check for finding in report.failures]


@pytest.mark.parametrize("name", MODEL_MISTAKES)
def test_a_models_mistake_is_found_by_its_check(name: str) -> None:
    """A model with one mistake fails the check that is for it and no other, and is told where to look."""
    report = check_model(REGISTRY.models[name])
    assert [MODEL_MISTAKES[name]] == failed(report), str(report)
    (finding,) = report.failures
    assert finding.seen
    assert f"{'imports_torch' if name == 'imports_torch' else 'models'}.py:" in finding.where


@pytest.mark.parametrize("name", TASK_MISTAKES)
def test_a_tasks_mistake_is_found_by_its_check(name: str, cache: Path) -> None:
    """A task with one mistake fails the check that is for it and no other."""
    report = check_task(REGISTRY.tasks[name])
    assert [TASK_MISTAKES[name]] == failed(report), str(report)
    assert report.failures[0].seen


def test_every_mistake_is_tried() -> None:
    """Each broken plugin of the folder is among those tried, and each check that can fail has one."""
    broken = {
        item.name: item.kind for item in REGISTRY.plugins if item.source.startswith(str(BROKEN)) and item.status == "ok"
    }
    assert broken.keys() == {*MODEL_MISTAKES, *TASK_MISTAKES, *SOUND_MODELS, *SOUND_TASKS}
    found = {*MODEL_MISTAKES.values(), *TASK_MISTAKES.values()}
    assert {"deprecations"} == {check.name for check in (*MODEL_CHECKS, *TASK_CHECKS)} - found


SOUND_MODELS = ("sound", "sound_estimator")
SOUND_TASKS = ("sound_forecast", "sound_labels")


@pytest.mark.parametrize("name", SOUND_MODELS)
def test_a_sound_model_is_well(name: str) -> None:
    """Without a mistake every check of a network holds; of what fits itself all that make sense do."""
    report = check_model(REGISTRY.models[name])
    assert report.is_well, str(report)
    skipped = {finding.check: finding.seen for finding in report.findings if finding.status == "skipped"}
    if name == "sound":
        assert {"predictor_ignores_targets": "it is a network: it is given no targets"} == skipped
    else:
        assert {"it fits itself: there is no network to look at"} == set(skipped.values())
        assert {"output_shape", "same_seed_same_result", "batch_order_invariance", "length_one"}.isdisjoint(skipped)


@pytest.mark.parametrize("name", SOUND_TASKS)
def test_a_sound_task_is_well(name: str, cache: Path) -> None:
    """Without a mistake every check holds."""
    report = check_task(REGISTRY.tasks[name])
    assert report.is_well, str(report)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "bidirectional"])
def test_the_built_in_models_are_well(name: str) -> None:
    """The models that come with seqbench keep the contract that they are held against, at any size."""
    report = check_model(name, params={} if name == "gru" else {"hidden_size": 8})
    assert report.is_well, str(report)


def test_a_built_in_task_is_well(cache: Path) -> None:
    """A task that comes with seqbench keeps its contract, with parameters of an author's choice."""
    report = check_task("sentiment", params={"reviews": (300, 60, 150)})
    assert report.is_well, str(report)


def write_series(path: Path) -> Path:
    random = np.random.default_rng(3)
    path.write_text("value\n" + "\n".join(f"{value:.6f}" for value in random.normal(size=400)) + "\n")
    return path


@pytest.mark.parametrize(("name", "expected"), [("sound_forecast", []), ("scaled_by_all", ["fitted_on_train_only"])])
def test_a_source_of_files_is_changed(name: str, expected: list[str], cache: Path, tmp_path: Path) -> None:
    """Where rows of a file can be changed, a scaler of all rows is found though the series has no trend."""
    source = write_series(tmp_path / "series.csv")
    before = source.read_bytes()
    report = check_task(REGISTRY.tasks[name], source=str(source))
    assert expected == failed(report), str(report)
    assert before == source.read_bytes()


def words_of(source: str, vocabulary_of: tuple[str, ...]) -> TaskData:
    """Texts of a folder as numbers of their words, from 1, by a vocabulary of some of its files."""
    texts = {name: (Path(source) / f"{name}.txt").read_text().splitlines() for name in ("train", "validation", "test")}
    known = sorted({word for name in vocabulary_of for line in texts[name] for word in line.split()})
    numbers = {word: place for place, word in enumerate(known, 2)}
    train, validation, test = (
        SequenceSet.from_sequences(
            [np.array([numbers.get(word, 1) for word in line.split()]) for line in lines],
            np.arange(len(lines)) % 2,
        )
        for lines in texts.values()
    )
    return TaskData(Tokens(len(known) + 2), Classes(("even", "odd")), train, validation, test)


@pytest.mark.parametrize(("vocabulary_of", "expected"), [(("train",), "ok"), (("train", "test"), "failed")])
def test_whose_vocabulary_it_is_is_found(vocabulary_of: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    """A vocabulary that changes with a text of test is none of train alone."""
    random = np.random.default_rng(0)
    for name, count in (("train", 40), ("validation", 10), ("test", 20)):
        lines = [" ".join(f"word{letter}" for letter in random.choice(list("abcdefgh"), 12)) for _ in range(count)]
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n")
    spec = replace(
        REGISTRY.tasks["sound_labels"],
        prepare=lambda source, params, cache: words_of(source, vocabulary_of),
        params=NoParams,
    )
    finding = Inspection.of_task(spec, source=str(tmp_path)).finding("fitted_on_train_only")
    assert expected == finding.status, finding.seen


@dataclass(frozen=True)
class Sized:
    """Of a model without a budget."""

    hidden_size: int = 8


def build_in_a_program(input: Any, output: Any, params: Sized) -> torch.nn.Module:
    return REGISTRY.models["sound"].build(input, output, type("Params", (), {"parameter_budget": 500}))


build_in_a_program.__module__ = "__main__"


def test_a_model_of_a_program_is_checked() -> None:
    """A spec that no plugin offers is checked as well; what cannot be looked at is skipped with the reason."""
    report = check_model(ModelSpec("ad_hoc", build_in_a_program, Sized, accepts=(Dense,)), params={"hidden_size": 4})
    assert report.is_well, str(report)
    skipped = {finding.check: finding.seen for finding in report.findings if finding.status == "skipped"}
    assert "program or notebook" in skipped["import_time"]
    assert "program or notebook" in skipped["no_torch_at_discovery"]
    assert "parameter_budget" in skipped["within_budget"]


def test_a_kind_that_is_refused_is_left_out() -> None:
    """A model may refuse a kind of output with a sentence, and is checked with the others; refusing all fails."""
    sound = REGISTRY.models["sound_estimator"].fit

    def fit(train: Any, validation: Any, input: Any, output: Any, *more: Any) -> Any:
        if output.kind == "classes":
            raise SpecError("a regressor has no labels")
        assert sound is not None
        return sound(train, validation, input, output, *more)

    def refuse(*arguments: Any) -> Any:
        raise SpecError("not today")

    report = check_model(ModelSpec("regressor", fit=fit, accepts=("dense",)))
    assert report.is_well, str(report)
    (builds,) = (finding for finding in report.findings if finding.check == "builds")
    assert "dense → forecast; refused: dense → classes (a regressor has no labels)" == builds.seen
    for accepts in (("dense",), ("dense", "tokens")):
        assert ["builds"] == failed(check_model(ModelSpec("refusing", refuse, accepts=accepts)))


def test_a_deprecation_is_told() -> None:
    """What seqbench says is deprecated is told by name and fails nothing; other warnings are nobody's business."""

    def build(input: Any, output: Any, params: Any) -> Any:
        warnings.warn("seqbench.nn.old is deprecated: use seqbench.nn.new", DeprecationWarning, stacklevel=2)
        warnings.warn("numpy.old is deprecated", DeprecationWarning, stacklevel=2)
        return REGISTRY.models["sound"].build(input, output, params)

    inspection = Inspection.of_model(ModelSpec("dated", build, REGISTRY.models["sound"].params))
    assert "ok" == inspection.finding("output_shape").status
    told = inspection.finding("deprecations")
    assert ("ok", "deprecated: seqbench.nn.old is deprecated: use seqbench.nn.new") == (told.status, told.seen)


def test_what_depends_on_a_failure_is_skipped() -> None:
    """One mistake is told once: checks that make no sense any more say which has to hold first."""
    report = check_model(REGISTRY.models["squeezed_outputs"])
    found = {finding.check: (finding.status, finding.seen) for finding in report.findings}
    assert ("skipped", "output_shape has to hold first") == found["padding_invariance"]
    assert "output_shape" in str(report)


def test_a_check_leaves_the_process_as_it_was() -> None:
    """Generators, threads and flags are after a check what they were before, whatever the plugin does."""
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch.set_num_threads(2)
    try:
        for name in ("seeds_in_build", "sets_threads", "sets_a_flag"):
            inspection = Inspection.of_model(REGISTRY.models[name])
            assert "ok" == inspection.finding("builds").status
        assert 2 == torch.get_num_threads()
        assert not torch.backends.cudnn.benchmark
        drawn = (torch.rand(1).item(), np.random.random())  # noqa: NPY002
    finally:
        torch.set_num_threads(1)
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    assert (torch.rand(1).item(), np.random.random()) == drawn  # noqa: NPY002


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (lambda: check_model("lstn"), "did you mean 'lstm'"),
        (lambda: check_model("lstm", params={"hiden_size": 3}), "did you mean 'hidden_size'"),
        (lambda: check_model("lstm", params=NoParams()), "give GatedParams, or a dict"),
        (lambda: check_task("sentiment", source="gopher:x"), "takes no source"),
    ],
)
def test_wrong_questions_are_sentences(wrong: Callable[[], Report], expected: str) -> None:
    """An unknown name, parameter or kind of source is an error that says what would do."""
    with pytest.raises(ConfigError, match=expected):
        wrong()


def test_only_what_is_watched_is_seen(tmp_path: Path) -> None:
    """Reading, writing and connecting are seen with their line; imports, and what happens outside, are not."""
    file = tmp_path / "a.txt"
    with watched() as seen:
        file.write_text("a")
        import sched  # noqa: F401

        with contextlib.suppress(OSError), socket.socket() as asked:
            asked.connect(("127.0.0.1", 9))
    file.read_text()
    assert [f"opens {str(file)!r}", "connects to ('127.0.0.1', 9)"] == [what for what, _ in seen]
    assert seen[1][1].startswith("test_kit.py:")


def test_every_check_is_documented() -> None:
    """The page about checking names each check."""
    page = (REPOSITORY / "docs" / "checking.md").read_text(encoding="utf-8")
    assert [] == [check.name for check in (*MODEL_CHECKS, *TASK_CHECKS) if f"`{check.name}`" not in page]
