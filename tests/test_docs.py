"""What the documentation shows is what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from documents import DOCS, blocks
from seqbench import hookspecs
from seqbench.protocol import TrainerConfig

REPOSITORY = Path(__file__).resolve().parent.parent


def snippet(document: str, name: str) -> str:
    """The Python block of a document that begins with the comment `# name`."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return next(block for block in blocks if block.startswith(f"# {name}\n"))


def test_the_shown_plugins_run(seqbench: Callable[..., Any], tmp_path: Path) -> None:
    """The README's model and the guide's task, copied into files, train together and appear on a board.

    The observer of the reference of hooks, which implements all that observe, is told of the whole run, in its order.
    """
    (tmp_path / "mycell.py").write_text(snippet("README.md", "mycell.py"))
    slow = '    for _ in track(range(8), "counting", 8):\n        time.sleep(0.1)\n    random ='
    parity = snippet("docs/plugins.md", "parity.py").replace("    random =", slow, 1)
    (tmp_path / "parity.py").write_text(f"import time\nfrom seqbench import track\n{parity}")
    (watch,) = [block.text for block in blocks(DOCS / "hooks.md") if block.title == "watch.py"]
    (tmp_path / "watch.py").write_text(watch)
    done = seqbench(
        *("run", "--plugin", "mycell.py", "--plugin", "parity.py", "--plugin", "watch.py", "--tasks", "parity"),
        *("--models", "mycell,lstm", "--seeds", "0", "--set", "trainer.max_epochs=1", "--no-plugin", "mlflow"),
    )
    assert 0 == done.code, done.err
    rows = json.loads(seqbench("leaderboard", "--format", "json").out)
    assert {"mycell[trainer.max_epochs=1]", "lstm[trainer.max_epochs=1]"} == {row["model"] for row in rows}
    told = (tmp_path / "watch.log").read_text().splitlines()
    assert ["started 2 cells for results", "ended with 2 results"] == [told[0], told[-1]]
    assert "prepared 8 of 8 (counting) for parity" in told
    for label in ("mycell", "lstm"):
        (epoch, end) = [line for line in told if f" {label}[" in line]
        assert epoch.startswith(f"epoch 1 of {label}[trainer.max_epochs=1] on parity@builtin: loss 0.")
        assert f"finished {label}[trainer.max_epochs=1] on parity@builtin, seed 0: ok" == end


def test_every_hook_has_a_test() -> None:
    """The plugins of the test above implement every hook there is, and so it fails where one is not called."""
    used = [snippet("README.md", "mycell.py"), snippet("docs/plugins.md", "parity.py")]
    used += [block.text for block in blocks(DOCS / "hooks.md") if block.title == "watch.py"]
    implemented = {name for text in used for name in re.findall(r"@hookimpl\ndef (\w+)\(", text)}
    assert {name for name in vars(hookspecs) if name.startswith("seqbench_")} == implemented


@pytest.mark.parametrize("hook", [name for name in dir(hookspecs) if name.startswith("seqbench_")])
def test_every_hook_is_documented(hook: str) -> None:
    """No hook is missing from the guide."""
    assert f"`{hook}(" in (REPOSITORY / "docs" / "plugins.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", TrainerConfig.model_fields)
def test_every_option_of_the_protocol_is_documented(option: str) -> None:
    """No option of the training protocol is missing from its page."""
    assert f"`{option}`" in (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")


def test_the_readme_starts_with_the_two_lines() -> None:
    """The set-up commands stand first, as they are typed."""
    lines = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line.strip() for line in lines if line.startswith("    ")][:2]
    assert commands[0].startswith("pip install . && seqbench run ")
    assert commands[1].startswith("pip install tox && tox ")


def test_links_lead_somewhere() -> None:
    """Every relative link of the documentation is a file of the repository."""
    for document in [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} → {target}"
