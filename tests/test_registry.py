"""Plugins are found one by one; a bad one is listed with its reason and harms nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqbench.errors import SeqbenchError
from seqbench.registry import DISABLED, PluginInfo, disable, discover
from seqbench.source_code import source_hash
from seqbench.version import INTERFACE_VERSION

GOOD = """
from seqbench import ModelSpec, hookimpl
def build(input, output, params): ...
@hookimpl
def seqbench_models():
    return [ModelSpec("{name}", build, about="a test model")]
"""

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a module on the path with the metadata that pip would write, entry point included."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        metadata = tmp_path / f"{name}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (metadata / "entry_points.txt").write_text(f"[seqbench]\n{name} = {name}\n")
        monkeypatch.delitem(sys.modules, name, raising=False)

    return put


def found(name: str) -> PluginInfo:
    return next(item for item in discover().plugins if item.distribution == name)


def test_the_built_ins_come_through_entry_points() -> None:
    """The four models and three tasks are offered by the distribution itself, all of them well."""
    registry = discover()
    assert {"rnn", "lstm", "gru", "bidirectional"} <= set(registry.models)
    assert {"stock_forecasting", "speech_commands", "sentiment"} <= set(registry.tasks)
    assert [] == [item for item in registry.failures() if item.distribution == "seqbench"]
    lstm = registry.info("model", "lstm")
    assert ("seqbench", "ok") == (lstm.distribution, lstm.status)
    assert lstm.source.endswith("lstm.py")


def test_another_package_is_found(install: Install) -> None:
    """A model of another distribution is listed with its name and version."""
    install("seqbench_mycell", GOOD.format(name="mycell"))
    item = found("seqbench_mycell")
    assert ("mycell", "model", "1.2", "ok", "a test model") == (
        item.name,
        item.kind,
        item.version,
        item.status,
        item.about,
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("raise SystemExit(1)", "SystemExit"),
        ("def f(:", "SyntaxError"),
        ("x = 1", "implements no hook"),
        ("from seqbench import hookimpl\n@hookimpl\ndef seqbench_modles(): ...", "'seqbench_modles', which is no hook"),
        ("from seqbench import hookimpl\n@hookimpl\ndef seqbench_models(): return [3]", "which is no ModelSpec"),
        ("from seqbench import hookimpl\n@hookimpl\ndef seqbench_models(): raise ValueError('no')", "ValueError: no"),
        ("from seqbench import hookimpl\n@hookimpl\ndef seqbench_models(): return None", "TypeError"),
        (GOOD.format(name="lstm"), "'lstm' is already taken by seqbench"),
        (GOOD.format(name="My Cell"), "use lower-case letters"),
        (GOOD.format(name="odd").replace('build, about="a test model"', "7"), "build that cannot be called"),
        (GOOD.format(name="odd").replace("about=", "accepts=['pictures'], about="), "'dense' and 'tokens'"),
        (GOOD.format(name="odd").replace("about=", "params={}, about="), "give a dataclass"),
        (GOOD.format(name="odd").replace("about=", "fit=build, about="), "either build"),
        (
            "SEQBENCH_INTERFACE = 2\n" + GOOD.format(name="odd"),
            "made for version 2 of the plugin interface, and seqbench",
        ),
    ],
)
def test_a_bad_plugin_is_listed_with_its_reason(install: Install, source: str, reason: str) -> None:
    """Whatever is wrong with a plugin, it is left out with a reason, and everything else is there."""
    install("seqbench_bad", source)
    registry = discover()
    item = next(item for item in registry.plugins if item.distribution == "seqbench_bad")
    assert "failed" == item.status
    assert reason in item.reason
    assert {"rnn", "lstm", "gru", "bidirectional"} == set(registry.models)


def test_strict_makes_it_fatal(install: Install) -> None:
    """With strict the first plugin that cannot be loaded ends discovery with its reason."""
    install("seqbench_bad", "x = 1")
    with pytest.raises(SeqbenchError, match="seqbench_bad was left out"):
        discover(strict=True)


def test_a_plugin_of_this_interface_is_taken(install: Install) -> None:
    """A plugin that names the interface's present version is loaded as one that names none."""
    install("seqbench_mycell", f"SEQBENCH_INTERFACE = {INTERFACE_VERSION}\n" + GOOD.format(name="mycell"))
    assert "ok" == found("seqbench_mycell").status


@pytest.mark.parametrize("name", ["seqbench_mycell", "mycell"])
def test_a_disabled_plugin_is_left_out(install: Install, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A plugin that the environment names, by distribution or by model, is listed as disabled and offers nothing."""
    install("seqbench_mycell", GOOD.format(name="mycell"))
    monkeypatch.setenv(DISABLED, f" {name} , what_is_not_there")
    registry = discover(strict=True)
    assert "disabled" == found("seqbench_mycell").status
    assert "mycell" not in registry.models
    assert "lstm" in registry.models


def test_a_disabled_plugin_is_not_imported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of a plugin that is disabled as a whole is never run."""
    install("seqbench_mycell", "raise RuntimeError('it was imported')")
    monkeypatch.setenv(DISABLED, "seqbench_mycell")
    assert "--no-plugin" in found("seqbench_mycell").reason
    assert "seqbench_mycell" not in sys.modules


def test_disabling_what_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of no plugin is told with the nearest one, and nothing is disabled; a true one is added to the others."""
    monkeypatch.setenv(DISABLED, "gru")
    with pytest.raises(SeqbenchError, match="no plugin 'lstn' to leave out: did you mean 'lstm'"):
        disable(["lstn"])
    assert "lstm" in discover().models
    disable(["lstm"])
    assert {"rnn", "bidirectional"} == set(discover().models)


def test_what_a_plugin_prints_goes_to_stderr(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """A plugin that prints while it is imported or asked does not get into what a command prints."""
    install(
        "seqbench_loud",
        "print('hello')\n" + GOOD.format(name="loud").replace("    return", "    print('hi')\n    return"),
    )
    assert "loud" in discover().models
    printed = capsys.readouterr()
    assert ("", "hello\nhi\n") == (printed.out, printed.err)


def test_a_file_is_a_plugin(tmp_path: Path) -> None:
    """A Python file with hooks is loaded by its path; a missing one is listed as failed."""
    file = tmp_path / "idea.py"
    file.write_text(GOOD.format(name="idea"))
    registry = discover([str(file), str(tmp_path / "nothing.py")])
    assert "idea" in registry.models
    assert ["nothing"] == [item.name for item in registry.failures()]


def test_the_hash_covers_the_whole_package(tmp_path: Path) -> None:
    """Editing any file of a plugin's package changes its hash; a file alone is hashed alone."""
    package = tmp_path / "pack"
    (package / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py", "inner/model.py", "shared.py"):
        (package / name).write_text("a = 1\n")
    before = source_hash(str(package / "inner" / "model.py"))
    source_hash.cache_clear()
    assert before == source_hash(str(package / "inner" / "model.py"))
    (package / "shared.py").write_text("a = 2\n")
    source_hash.cache_clear()
    assert before != source_hash(str(package / "inner" / "model.py"))
