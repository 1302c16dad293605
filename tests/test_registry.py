"""Plugins are found one by one; a bad one is listed with its reason and harms nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqbench import registry
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
    """A name of no plugin is told with the nearest one; a true one is left out beside those of the environment."""
    monkeypatch.setattr(registry, "_ASKED", set())
    monkeypatch.setenv(DISABLED, "gru")
    disable(["lstn"])
    with pytest.raises(SeqbenchError, match="no plugin 'lstn' to leave out: did you mean 'lstm'"):
        discover()
    disable(["lstm"])
    assert {"rnn", "bidirectional"} == set(discover().models)


def test_what_is_asked_to_be_left_out_is_never_run(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`disable` imports nothing: neither an installed plugin nor a file that is given, by its stem, is run at all."""
    monkeypatch.setattr(registry, "_ASKED", set())
    monkeypatch.setenv(DISABLED, "")
    install("seqbench_mycell", "raise RuntimeError('it was imported')")
    file = tmp_path / "idea.py"
    file.write_text("raise RuntimeError('it was imported')")
    disable(["seqbench_mycell", "idea"])
    found = {item.name: item.status for item in discover([str(file)]).plugins}
    assert ("disabled", "disabled") == (found["seqbench_mycell"], found["idea"])


def test_a_file_that_was_edited_is_loaded_again(tmp_path: Path) -> None:
    """In one process, a plugin file that says something else, or imports a file that does, is another plugin."""
    file, beside = tmp_path / "idea.py", tmp_path / "seqbench_test_beside.py"
    beside.write_text("X = 1\n")
    file.write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport seqbench_test_beside\n" + GOOD.format(name="idea")
    )

    def known() -> tuple[str, str]:
        item = discover([str(file)]).info("model", "idea")
        return item.about, item.source_hash

    first = known()
    assert first == known()
    beside.write_text("X = 20\n")
    second = known()
    assert second[1] != first[1]
    file.write_text(file.read_text().replace("a test model", "another model"))
    third = known()
    assert "another model" == third[0]
    assert third[1] not in (first[1], second[1])


def test_where_a_model_is_offered_counts_as_well_as_where_it_is_made(tmp_path: Path) -> None:
    """A plugin file that offers a model of another file is hashed with both."""
    (tmp_path / "seqbench_test_maker.py").write_text("def build(input, output, params): ...\n")
    file = tmp_path / "offering.py"
    offered = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from seqbench import ModelSpec, hookimpl\nfrom seqbench_test_maker import build\n"
        "@hookimpl\ndef seqbench_models():\n    return [ModelSpec('offered', build, about='{about}')]\n"
    )
    found = []
    for about in ("one", "other"):
        file.write_text(offered.format(about=about))
        found.append(discover([str(file)]).info("model", "offered").source_hash)
    assert found[0] != found[1]


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
    assert before == source_hash(str(package / "inner" / "model.py"))
    (package / "shared.py").write_text("a = 2\n")
    assert before != source_hash(str(package / "inner" / "model.py"))
