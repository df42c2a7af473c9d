"""The control channel of the testee: JSON lines both ways over blocking descriptors, each way on its own thread.

Threads, so that whoever drives the testee can neither hold up the protocol by not reading, nor needs descriptors that
an event loop can wait for.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import select
import threading
from typing import Any, Callable

_READ_BYTES_MAX = 1_048_576
_FINISH_SECONDS = 2.0


class ControlChannel:
    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def start(
        self, loop: asyncio.AbstractEventLoop, take_line: Callable[[bytes], None], ended: Callable[[], None]
    ) -> None:
        """Call `take_line` for each line, and `ended` when there are no more, both on `loop`."""
        threading.Thread(target=self._read, args=(loop, take_line, ended), daemon=True).start()

    def send(self, message: dict[str, Any]) -> None:
        self._lines.put(json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n")

    def finish(self) -> None:
        """Wait until all that was sent has been written."""
        self._lines.put(None)
        self._writer.join(_FINISH_SECONDS)

    def _read(
        self, loop: asyncio.AbstractEventLoop, take_line: Callable[[bytes], None], ended: Callable[[], None]
    ) -> None:
        pending: list[bytes] = []
        try:
            while data := self._read_some():
                *lines, rest = data.split(b"\n")
                for line in lines:
                    pending.append(line)
                    whole = b"".join(pending)
                    pending.clear()
                    if whole.strip():
                        loop.call_soon_threadsafe(take_line, whole)
                if rest:
                    pending.append(rest)
            loop.call_soon_threadsafe(ended)
        except RuntimeError:
            pass  # the loop has ended before

    def _read_some(self) -> bytes:
        while True:
            try:
                return os.read(self._source, _READ_BYTES_MAX)
            except BlockingIOError:
                select.select([self._source], [], [])
            except OSError:
                return b""

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            rest = memoryview(line)
            while rest:
                try:
                    rest = rest[os.write(self._sink, rest) :]
                except BlockingIOError:
                    select.select([], [self._sink], [])
                except OSError:
                    return
