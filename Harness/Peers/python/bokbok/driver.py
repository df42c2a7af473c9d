"""Runs one machine over one stream on an asyncio event loop: events in, actions out, nothing decided here."""

from __future__ import annotations

import asyncio
from typing import Callable

from .actions import Action, CloseStream, ShutDownSending
from .machine import Machine
from .streams import Stream


class Driver:
    """`perform` is called with each action but those that concern the stream. `closed` is done when the stream is."""

    def __init__(self, machine: Machine, stream: Stream, perform: Callable[[Action], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self.machine = machine
        self._stream = stream
        self._perform = perform
        self._unwritten = memoryview(b"")
        self._reading = False
        self._writing = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._wake_scheduled = False
        self._stepping = False
        self._step_again = False
        self._sending_is_over = False
        self.closed: asyncio.Future[None] = self._loop.create_future()

    @property
    def now(self) -> float:
        return self._loop.time()

    def begin(self) -> None:
        self.machine.begin(self.now)
        self._step()

    def wake(self) -> None:
        """Something was asked of the machine: act on it soon, together with all else of this turn of the loop."""
        if not self._wake_scheduled:
            self._wake_scheduled = True
            self._loop.call_soon(self._woken)

    def step(self) -> None:
        """Something was asked of the machine: act on it now."""
        self._step()

    def _woken(self) -> None:
        self._wake_scheduled = False
        self._step()

    # One step: actions, bytes, interests

    def _step(self) -> None:
        if self._stepping:
            self._step_again = True  # an action called back in: the loop below looks again
            return
        self._stepping = True
        try:
            while True:
                self._step_again = False
                self._carry_out()
                self._write()
                if not self._carry_out() and not self._step_again:
                    break
        finally:
            self._stepping = False
        if not self.closed.done():
            self._set_interests()

    def _carry_out(self) -> bool:
        actions = self.machine.take_actions()
        for action in actions:
            if isinstance(action, CloseStream):
                self._close()
            elif isinstance(action, ShutDownSending):
                self._shut_down_sending()
            else:
                self._perform(action)
        return bool(actions)

    def _write(self) -> None:
        while not self._sending_is_over:
            if not self._unwritten:
                data = self.machine.data_to_send()
                if data is None:
                    self.machine.flushed(self.now)
                    return
                self._unwritten = memoryview(data)
            try:
                taken = self._stream.write(self._unwritten)
            except OSError:
                self._unwritten = memoryview(b"")
                self._sending_is_over = True
                self.machine.write_failed(self.now)
                return
            self._unwritten = self._unwritten[taken:]
            if self._unwritten:
                return

    def _set_interests(self) -> None:
        reading = self.machine.wants_to_read
        if reading != self._reading:
            self._reading = reading
            if reading:
                self._loop.add_reader(self._stream.source_descriptor, self._readable)
            else:
                self._loop.remove_reader(self._stream.source_descriptor)
        writing = bool(self._unwritten) and not self._sending_is_over
        if writing != self._writing:
            self._writing = writing
            if writing:
                self._loop.add_writer(self._stream.sink_descriptor, self._step)
            else:
                self._loop.remove_writer(self._stream.sink_descriptor)
        self._set_timer()

    def _set_timer(self) -> None:
        deadline = self.machine.deadline
        if deadline is None:
            self._cancel_timer()
        elif self._timer is None or deadline < self._timer_at:
            self._cancel_timer()
            self._timer_at = deadline
            self._timer = self._loop.call_at(deadline, self._time_passed)
        # A timer that comes too early finds nothing due, and is set again: cheaper than one for each record.

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Events

    def _readable(self) -> None:
        try:
            data = self._stream.read(self.machine.read_bytes_max)
        except OSError:
            data = b""  # a reset is an end of input too (C-6)
        if data is None:
            return
        if data:
            self.machine.receive(data, self.now)
        else:
            self.machine.end_of_input(self.now, unwritten=bool(self._unwritten))
        self._step()

    def _time_passed(self) -> None:
        self._timer = None
        self.machine.time_passed(max(self.now, self._timer_at))
        self._step()

    # The stream's end

    def _shut_down_sending(self) -> None:
        self._sending_is_over = True
        self._stop_writing()
        self._stream.shut_down_sending()

    def _close(self) -> None:
        if self.closed.done():
            return
        self._sending_is_over = True
        self._unwritten = memoryview(b"")
        self._cancel_timer()
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._stream.source_descriptor)
        self._stop_writing()
        self._stream.close()
        self.closed.set_result(None)

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._stream.sink_descriptor)
