"""What these tests have in common."""

from __future__ import annotations

from unmeasured import unmeasured as unmeasured  # noqa: PLC0414 - a fixture of this folder
