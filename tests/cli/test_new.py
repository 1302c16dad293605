"""`seqbench new` as its users call it, and the packages that it writes as their authors use them."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

import seqbench
from seqbench.errors import ConfigError
from seqbench.new_package import Package, check_is_free, write
from seqbench.registry import discover
from seqbench.store import Store
from unmeasured import unmeasured as unmeasured  # noqa: PLC0414 - a fixture of this file
from whole_runs import NO_MLFLOW

ODD = 'A "cell" that isn\'t \\ usual: é <&> {{ name }}'
"""A sentence with whatever means something to TOML, Python or the template."""
COMMANDS = {
    "my-cell": ("model", "my-cell", "--about", ODD, "--author", "Ada Byron <ada@example.org>"),
    "my-series": ("task", "my-series"),
    "my_words": ("task", "my_words", "--input", "tokens", "--output", "somewhere/else"),
}
FOLDERS = {"my-cell": "seqbench-my-cell", "my-series": "seqbench-my-series", "my_words": "somewhere/else"}
MODULES = {"my-cell": "seqbench_my_cell", "my-series": "seqbench_my_series", "my_words": "seqbench_my_words"}


@dataclass(frozen=True)
class Place:
    """Where the packages were written, and installed. said: what the command printed, by package."""

    home: Path
    installed: Path
    said: dict[str, str]

    def folder(self, name: str) -> Path:
        return self.home / FOLDERS[name]

    def python(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`python -m ARGUMENTS`, where the packages are installed."""
        path = os.pathsep.join([str(self.installed), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
        return run(*arguments, cwd=cwd or self.home, PYTHONPATH=path.rstrip(os.pathsep))


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m ARGUMENTS`; a question would be answered by nobody."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Place:
    """The packages, written by the command on a machine without git, and installed by pip."""
    home, installed, empty = (tmp_path_factory.mktemp(name) for name in ("home", "installed", "empty"))
    said = {}
    for name, arguments in COMMANDS.items():
        done = run("seqbench.cli", "new", *arguments, cwd=home, PATH=str(empty))
        assert 0 == done.returncode, done.stderr
        said[name] = done.stdout
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(installed))
    done = run("pip", "install", *options, *(str(home / folder) for folder in FOLDERS.values()), cwd=home)
    assert 0 == done.returncode, done.stderr
    return Place(home, installed, said)


def test_it_says_what_to_do_next(place: Place) -> None:
    """The command lists what it wrote, names the file to begin with, and the commands that come next."""
    for name, begin in (("my-cell", "cell.py"), ("my-series", "data.py"), ("my_words", "data.py")):
        said = place.said[name]
        assert f"Begin in {FOLDERS[name]}/src/{MODULES[name]}/{begin}." in said
        assert f"cd {FOLDERS[name]} && pip install -e '.[test]'" in said
        assert f"pytest && seqbench check {name}" in said
        files = [file for file in place.folder(name).rglob("*") if file.is_file() and "build" not in file.parts]
        written = [line.strip() for line in said.splitlines()]
        assert {".gitignore", ".github/workflows/ci.yml", "LICENSE", "CHANGELOG.md"} < set(written)
        assert all(str(file.relative_to(place.folder(name))) in written for file in files if "egg" not in str(file))
        assert max(map(len, said.splitlines())) <= 80


def test_nothing_of_the_template_is_left(place: Place) -> None:
    """No file has a mark of the template in it, but for the sentence that was given with one."""
    for name in COMMANDS:
        for file in place.folder(name).rglob("*"):
            text = file.read_text(encoding="utf-8") if file.suffix in {".py", ".md", ".toml", ".yml"} else ""
            given = "{{ name }}" if name == "my-cell" else "${{ matrix.python }}"
            marks = text.replace(given, "").replace("${{ matrix.python }}", "")
            assert not [mark for mark in ("{{", "{%") if mark in marks], file
        assert "{{" not in str(list(place.folder(name).rglob("*")))


def test_what_is_given_is_kept(place: Place) -> None:
    """Sentence and author are in the package as they were given, whatever letters they have."""
    project = tomllib.loads((place.folder("my-cell") / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (ODD, [{"name": "Ada Byron", "email": "ada@example.org"}]) == (project["description"], project["authors"])
    listed = json.loads(place.python("seqbench.cli", "plugins", "--json").stdout)
    found = {item["name"]: item for item in listed if item["name"] in COMMANDS}
    assert ["ok", "ok", "ok"] == [found[name]["status"] for name in COMMANDS]
    assert ODD == found["my-cell"]["about"]
    assert ("seqbench-my-words", "0.1.0") == (found["my_words"]["distribution"], found["my_words"]["version"])


@pytest.mark.parametrize("name", COMMANDS)
def test_the_wheel_has_the_package_and_nothing_else(place: Place, name: str) -> None:
    """Installed are the modules, the mark of types, the licence and the entry point; no tests."""
    (found,) = importlib.metadata.distributions(name=MODULES[name], path=[str(place.installed)])
    files = {str(file) for file in found.files or ()}
    modules = {file for file in files if not file.startswith(f"{MODULES[name]}-") and "__pycache__" not in file}
    source = place.folder(name) / "src"
    assert {str(file.relative_to(source)) for file in (source / MODULES[name]).glob("*")} == modules
    assert f"{MODULES[name]}/py.typed" in modules
    assert any(file.endswith("licenses/LICENSE") for file in files)
    assert [(name, MODULES[name])] == [(point.name, point.value) for point in found.entry_points]


def test_their_own_tests_pass(place: Place) -> None:
    """Untouched, every package passes the tests that it comes with, seqbench's checks among them."""
    folders = [str(place.folder(name) / "tests") for name in COMMANDS]
    options = (
        "-q",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        "-c",
        str(place.folder("my-cell") / "pyproject.toml"),
    )
    done = place.python("pytest", *options, *folders)
    assert 0 == done.returncode, done.stdout
    assert "passed" in done.stdout


def test_their_types_are_strict(place: Place) -> None:
    """Untouched, every package passes mypy by its own settings, which are strict; one process looks at all of them."""
    settings = [tomllib.loads((place.folder(name) / "pyproject.toml").read_text(encoding="utf-8")) for name in COMMANDS]
    assert [(True, ["src", "tests"])] * 3 == [
        (found["tool"]["mypy"]["strict"], found["tool"]["mypy"]["files"]) for found in settings
    ]
    source = Path(seqbench.__file__).parent.parent
    # A checkout is not installed: mypy has to be told where it is, and not to judge it.
    told = {} if source.name == "site-packages" else {"MYPYPATH": str(source)}
    options = (
        "--config-file",
        str(place.folder("my-cell") / "pyproject.toml"),
        "--follow-imports=silent",
        "--cache-dir",
        os.devnull,
    )
    files = [str(place.folder(name) / part) for name in COMMANDS for part in ("src", "tests")]
    done = run("mypy", *options, *files, cwd=place.home, **told)
    assert 0 == done.returncode, done.stdout
    assert "Success" in done.stdout


@pytest.mark.parametrize("name", [*COMMANDS, "longest"])
def test_they_are_linted_and_formatted(place: Place, name: str, tmp_path: Path) -> None:
    """Untouched, every package passes ruff by its own settings, one with the longest name and sentence too."""
    folder = tmp_path / "longest"
    if name == "longest":
        write(Package("task", "n" * 64, about="é" * 100, author="a" * 200), folder)
    else:
        folder = place.folder(name)
    for command in (("check",), ("format", "--check")):
        done = run("ruff", *command, "--no-cache", ".", cwd=folder)
        assert 0 == done.returncode, done.stdout


def test_they_are_checked_by_name(place: Place) -> None:
    """`seqbench check` finds what is installed, and nothing wrong with it."""
    done = place.python("seqbench.cli", "check", "my_words")
    assert 0 == done.returncode, done.stdout + done.stderr


def test_they_run_beside_each_other(place: Place, tmp_path: Path) -> None:
    """The model trains on the task, and the record says which packages it was."""
    settings = ("trainer.max_epochs=1", "tasks.my-series.examples=100", "models.my-cell.hidden_size=4")
    done = place.python(
        *("seqbench.cli", "run", "--models", "my-cell", "--tasks", "my-series", "--seeds", "0", "--executor", "inline"),
        *("--results", str(tmp_path / "results"), *NO_MLFLOW),
        *(part for setting in settings for part in ("--set", setting)),
    )
    assert 0 == done.returncode, done.stderr
    records = list(Store(tmp_path / "results").records())
    assert {"ok"} == {record.status for record in records}
    assert {"my-cell", "majority", "naive_bayes"} == {record.model for record in records}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MyCell", "'my-cell' say"),
        ("my cell", "'my-cell' say"),
        ("2fast", "'fast' say"),
        ("my-", "ending with a letter or digit"),
        ("", "use lower-case letters"),
        ("é", "use lower-case letters"),
        ("n" * 65, "64 at most"),
        ("seqbench-cell", "leave 'seqbench-' out"),
        ("seqbench_cell", "the package of 'cell' is called so"),
        ("all", "it means every one in --models"),
        ("models", "the package of the built-in models"),
    ],
)
def test_a_bad_name_is_refused(name: str, said: str) -> None:
    """A name that no plugin can have is refused, with the reason and, where there is one, a name that would do."""
    with pytest.raises(ConfigError, match=said):
        Package("model", name)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("model", "lstm", "there is a model 'lstm' already, in seqbench"),
        ("task", "sentiment", "there is a task 'sentiment' already, in seqbench"),
        ("model", "majority", "'majority' is a baseline of the task 'sentiment'"),
        ("task", "taken", "Python finds a module seqbench_taken already"),
        ("model", "installed", "seqbench-installed 1.2 is installed already"),
    ],
)
def test_a_name_that_is_taken_is_refused(
    kind: str, name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an installed plugin, baseline, package or module is called, no new package can be called."""
    (tmp_path / "seqbench_taken").mkdir()
    (tmp_path / "seqbench_taken" / "__init__.py").touch()
    metadata = tmp_path / "seqbench_installed-1.2.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: seqbench-installed\nVersion: 1.2\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=said):
        check_is_free(Package(kind, name), discover())


def test_a_name_that_is_free_is_taken() -> None:
    """A model may be called as a task is, as long as no package is called so."""
    check_is_free(Package("model", "sentiment"), discover())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"about": "two\nlines"}, "--about has a line break"),
        ({"author": "bell\a"}, "--author has a line break or another control character"),
        ({"about": "n" * 101}, "--about has 101 letters"),
        ({"input": "images"}, "'images' is no kind of input of a task: give dense or tokens"),
    ],
)
def test_other_words_are_refused(options: dict[str, str], said: str) -> None:
    """A sentence that does not fit on one line, or an input that there is not, is refused."""
    with pytest.raises(ConfigError, match=said):
        Package("task", "mine", **options)


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    """A folder with nothing in it is filled; once filled it is refused, and nothing in it is changed."""
    write(Package("model", "mine"), tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not empty: choose another folder with --output"):
        write(Package("model", "mine"), tmp_path)
    assert "mine" == readme.read_text(encoding="utf-8")


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """A path that is below a file."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "below"


def test_what_cannot_be_written_is_said(unwritable: Path) -> None:
    """A folder that cannot be made, or is a file, is refused with the system's reason."""
    for folder in (unwritable, unwritable.parent):
        with pytest.raises(ConfigError, match=r"cannot be written .*: choose another folder with --output"):
            write(Package("task", "mine"), folder)


def test_an_attempt_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing is cut off, a folder that was made is gone, and one that was empty is empty again."""
    import copier

    def cut_off(template: str, folder: Path, *answers: object, **options: object) -> None:
        (folder / "src").mkdir()
        (folder / "half").touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copier, "run_copy", cut_off)
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new"):
        with pytest.raises(ConfigError, match="No space left on device"):
            write(Package("model", "mine"), tmp_path / name)
    assert [tmp_path / "empty"] == list(tmp_path.rglob("*"))


def test_errors_are_sentences_of_the_command(tmp_path: Path) -> None:
    """The command exits with 2 and one sentence, writes nothing, and shows no traceback."""
    done = run("seqbench.cli", "new", "task", "sentiment", cwd=tmp_path)
    assert (2, "") == (done.returncode, done.stdout)
    assert "error: there is a task 'sentiment' already, in seqbench: give another name.\n" == done.stderr
    assert [] == list(tmp_path.iterdir())
