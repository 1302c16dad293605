"""The log of one cell: what the harness says, and what its plugins log or warn."""

from __future__ import annotations

import logging
import time


class LogLines(logging.Handler):
    """The cell's log: what the harness says, and what the plugin logs or warns."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        """One line with the time."""
        self.lines.append(f"{time.strftime('%H:%M:%S')} {line}")

    def emit(self, record: logging.LogRecord) -> None:
        """What somebody logged."""
        self.add(self.format(record))

    def captured(self) -> _Capture:
        """While inside, log records and warnings go to this log."""
        return _Capture(self)

    def encoded(self) -> bytes:
        """The log as a file's content."""
        return ("\n".join(self.lines) + "\n").encode()


class _Capture:
    def __init__(self, handler: logging.Handler) -> None:
        self.handler = handler

    def __enter__(self) -> None:
        logging.captureWarnings(True)
        logging.getLogger().addHandler(self.handler)

    def __exit__(self, *exc: object) -> None:
        logging.getLogger().removeHandler(self.handler)
        logging.captureWarnings(False)
