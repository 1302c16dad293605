"""What Ctrl-C, SIGTERM and a closed terminal mean to a run: stop at the next chance, so that nothing is half done."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")


class StopSignals:
    """While inside, a stopping signal is noted; where it is deferred, only a second one interrupts, as Python does.

    is_deferred: True while somebody asks `is_stopped`; otherwise the first interrupts, too. One that the process was
    told to ignore (`nohup`) stays ignored.
    """

    def __init__(self) -> None:
        self.is_deferred = False
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in STOPPING:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        is_first = self.received is None
        self.received = self.received or signal.Signals(number)
        if not (is_first and self.is_deferred):
            raise KeyboardInterrupt

    def is_stopped(self) -> bool:
        """Has a signal come?"""
        return self.received is not None

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.received or signal.SIGINT)
