"""Virtual environments for what only the benchmarks need, made when they are first asked for.

They lie in benchmarks/.venvs, and are made anew when their requirements change. One may stand on top of the running
environment, which it then sees whole, so that torch is not installed twice.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / ".venvs"
CONSTRAINTS = HERE.parent / "constraints.txt"
STAMP = "made-from.txt"


class UnavailableError(Exception):
    """The environment could not be made (no network, no wheel for this system); the message says why."""


def python_of(requirements: str, *, on_top: bool) -> Path:
    """The interpreter of an environment with what the file `requirements` in this folder names.

    on_top: the running environment's packages are seen too, and nothing that it has is installed again.
    """
    listed = HERE / requirements
    wanted = hashlib.sha256(f"{sys.prefix} {sys.version} {listed.read_text(encoding='utf-8')}".encode()).hexdigest()
    folder = FOLDER / listed.stem
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    if on_top:
        _see_running(python)
    _install(python, listed, ["-c", str(CONSTRAINTS)] if on_top else [])
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _see_running(python: Path) -> None:
    """Let an environment import what this one can, after its own packages."""
    own = _output([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (Path(own) / "running.pth").write_text(line, encoding="utf-8")


def _install(python: Path, listed: Path, options: list[str]) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(listed)]
    _output([*command, *options])


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"{' '.join(command[1:4])}: {' '.join(done.stderr.split())[-300:]}")
    return done.stdout
