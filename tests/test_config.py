"""A run file and the command line become one checked configuration, or one clear sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqbench.config import RunConfig, build_config, parse_seeds
from seqbench.errors import ConfigError
from seqbench.registry import Registry, discover
from seqbench.run_file import apply_settings, read_run_file


@pytest.fixture(scope="module")
def registry(toy: str) -> Registry:
    return discover([toy])


def build(registry: Registry, settings: list[str] = [], **options: Any) -> RunConfig:  # noqa: B006
    return build_config(apply_settings({}, settings), options, registry)


def test_defaults_are_everything_and_three_seeds(registry: Registry) -> None:
    """Without options every model and task is selected, with seeds 0, 1 and 2 and embedded data."""
    config = build(registry)
    assert set(registry.models) == set(config.models)
    assert set(registry.tasks) == set(config.tasks)
    assert (0, 1, 2) == config.seeds
    assert "builtin" == config.source("sentiment").location


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-4", (0, 1, 2, 3, 4)), ("7", (7,)), ("3,1,3", (3, 1)), ("0-1, 5-6", (0, 1, 5, 6))]
)
def test_seeds_are_ranges_and_lists(text: str, seeds: tuple[int, ...]) -> None:
    """Seeds are written as ranges, lists or both, and doubles count once."""
    assert seeds == parse_seeds(text)


@pytest.mark.parametrize("text", ["", "a", "4-0", "-1", "1;2", "1.5"])
def test_nonsense_for_seeds_is_refused(text: str) -> None:
    """What is no seed is an error that shows how to write one."""
    with pytest.raises(ConfigError, match="write 0-4 or 0,1,2"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("settings", "options", "expected"),
    [
        ([], {"models": "lsmt"}, "there is no model 'lsmt': did you mean 'lstm'"),
        ([], {"tasks": "sentimnt"}, "there is no task 'sentimnt': did you mean 'sentiment'"),
        (["trainer.max_epoch=3"], {}, "'trainer.max_epoch' is no parameter: did you mean 'max_epochs'"),
        (["models.lstm.hiden_size=3"], {}, "'models.lstm.hiden_size' is no parameter: did you mean 'hidden_size'"),
        (["models.lstmm.hidden_size=3"], {}, "there is no model 'lstmm': did you mean 'lstm'"),
        (["models.*.hiden_size=3"], {}, "no model has a parameter 'hiden_size': did you mean 'hidden_size'"),
        (["tasks.toy.exampels=3"], {}, "'tasks.toy.exampels' is no parameter: did you mean 'examples'"),
        (["tasks.tyo.examples=3"], {}, "there is no task 'tyo': did you mean 'toy'"),
        (["tasks.toy.trainer.patiense=3"], {}, "'tasks.toy.trainer.patiense' is no parameter: did you mean 'patience'"),
        (["trainer.max_epochs=many"], {}, "'trainer.max_epochs' is not valid"),
        (["trainer.max_epochs=0"], {}, "greater than or equal to 1"),
        (["models.lstm=3"], {}, "a table of parameters is expected"),
        (["trainerr.max_epochs=3"], {}, "did you mean 'trainer'"),
        ([], {"data": ["sentimen=x"]}, "there is no task 'sentimen'"),
        ([], {"data": ["sentiment"]}, "write TASK=SOURCE"),
        ([], {"workers": 0}, "'run.workers' is not valid"),
    ],
)
def test_mistakes_name_the_key_and_the_nearest_valid_one(
    registry: Registry, settings: list[str], options: dict[str, Any], expected: str
) -> None:
    """Unknown names and keys and invalid values are errors that say where, and what would do."""
    with pytest.raises(ConfigError) as caught:
        build(registry, settings, **options)
    assert expected in str(caught.value)


@pytest.mark.parametrize("setting", ["max_epochs=3", "trainer.max_epochs", ".=3", "trainer..x=1"])
def test_a_setting_needs_a_dotted_key_and_a_value(setting: str) -> None:
    """`--set` without a table, or without `=`, is an error that shows an example."""
    with pytest.raises(ConfigError, match=r"models\.lstm\.hidden_size=64"):
        apply_settings({}, [setting])


def test_command_line_wins_over_the_file(registry: Registry, tmp_path: Path) -> None:
    """Options and `--set` replace what the run file says; the rest of the file stays."""
    file = tmp_path / "run.toml"
    file.write_text(
        '[run]\nmodels = ["lstm", "gru"]\nseeds = [5]\ndevice = "cpu"\n'
        "[trainer]\nmax_epochs = 3\npatience = 1\n[models.lstm]\nhidden_size = 4\n"
    )
    tables = apply_settings(read_run_file(file), ["trainer.max_epochs=7", "models.lstm.num_layers=2"])
    config = build_config(tables, {"models": "rnn", "seeds": None}, registry)
    assert ("rnn",) == config.models
    assert (5,) == config.seeds
    assert {"max_epochs": 7, "patience": 1} == config.trainer_settings
    assert {"hidden_size": 4, "num_layers": 2} == config.model_settings["lstm"]


def test_selection_may_stand_at_the_top_of_the_file(registry: Registry, tmp_path: Path) -> None:
    """`models = [...]` at the top means the same as in `[run]`."""
    file = tmp_path / "run.toml"
    file.write_text('models = ["lstm"]\ntasks = "toy"\n')
    config = build_config(read_run_file(file), {}, registry)
    assert (("lstm",), ("toy",)) == (config.models, config.tasks)


def test_a_star_reaches_every_model_with_the_parameter(registry: Registry) -> None:
    """`models.*.num_layers` is set for each model that has it, and for no other."""
    config = build(registry, ["models.*.num_layers=2"])
    assert {"num_layers": 2} == config.model_settings["gru"]
    assert {} == config.model_settings["toy_gru"]


def test_a_source_in_the_file_counts_from_the_file(registry: Registry, tmp_path: Path) -> None:
    """A relative path in a run file is found beside the file; its stem is the label."""
    (tmp_path / "my data.csv").write_text("x")
    file = tmp_path / "run.toml"
    file.write_text('[tasks.toy]\nsource = "my data.csv"\n')
    source = build_config(read_run_file(file), {}, registry).source("toy")
    assert (str(tmp_path / "my data.csv"), "my-data") == (source.location, source.label)


def test_name_sets_the_label(registry: Registry) -> None:
    """`name=` is what the board calls the source."""
    config = build(registry, ["tasks.toy.name=mine"], data=["toy=/tmp"])
    assert "mine" == config.source("toy").label


@pytest.mark.parametrize(("content", "expected"), [("a = [", "is not valid TOML"), (None, "cannot read the run file")])
def test_a_bad_file_is_a_sentence(tmp_path: Path, content: str | None, expected: str) -> None:
    """A run file that is missing or no TOML is told with its path."""
    file = tmp_path / "run.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=expected):
        read_run_file(file)
