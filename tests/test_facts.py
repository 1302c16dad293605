"""What a plan needs of the world: fingerprints that follow content."""

from __future__ import annotations

from pathlib import Path

from seqbench.config import build_config
from seqbench.facts import gather
from seqbench.registry import discover
from seqbench.run_file import apply_settings


def test_a_file_that_a_parameter_names_counts_by_content(tmp_path: Path) -> None:
    """Other vectors under the same name are other data; without any, the source alone is the data's identity."""
    registry = discover()
    vectors = tmp_path / "glove.txt"
    seen = []
    for content in ("good 1 0\n", "good 0 1\n", "good 1 0\n"):
        vectors.write_text(content)
        tables = apply_settings({}, [f"tasks.sentiment.embeddings={vectors}"])
        config = build_config(tables, {"tasks": "sentiment"}, registry)
        seen.append(gather(config, registry, "cpu").source_fingerprints["sentiment"])
    assert seen[0] == seen[2] != seen[1]
    plain = build_config({}, {"tasks": "sentiment"}, registry)
    assert "builtin" == gather(plain, registry, "cpu").source_fingerprints["sentiment"]
