"""Calling observers one by one, so that a broken one is warned about and never harms a run."""

from __future__ import annotations

import logging
from typing import Any

import pluggy

log = logging.getLogger("seqbench")


class Observers:
    """The plugins that watch a run. One that raises is told about once and not called again."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager
        self._dropped: set[str] = set()

    def call(self, hook: str, **arguments: Any) -> None:
        """Call `hook` of every observer, in the order of registration."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            if name in self._dropped:
                continue
            try:
                implementation.function(*(arguments[argument] for argument in implementation.argnames))
            except Exception as error:
                self._dropped.add(name)
                log.warning("the observer '%s' failed in %s and is left out: %s", name, hook, error)
