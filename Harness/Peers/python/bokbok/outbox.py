"""The order of sending: what waits, what goes ahead, and how messages take turns (P-1, P-4, P-5, X-4, X-10)."""

from __future__ import annotations

from collections import deque
from typing import Callable

from .noise import TAG_BYTES
from .wire import CLOSE, FRAME_HEADER_BYTES, MORE, PONG, RECORD_CONTENT_BYTES_MAX, SETTINGS, encode_frame

FRAGMENT_BYTES_MAX = 16_384
_SPARE_BYTES_MIN = 1024  # less room than this at the end of a record is not worth a fragment


class Message:
    """A REQUEST, RESPONSE or ERROR that waits to be sent, or has been sent in part."""

    __slots__ = ("kind", "id", "body", "offset", "from_protocol", "counted", "dropped")

    def __init__(self, kind: int, id: int, body: bytes, *, from_protocol: bool = False) -> None:
        self.kind = kind
        self.id = id
        self.body = body
        self.offset = 0
        #: An ERROR made where no handler had begun (P-4).
        self.from_protocol = from_protocol
        #: Its length counts towards the other side's max-partial (X-10).
        self.counted = False
        self.dropped = False

    @property
    def remaining(self) -> int:
        return len(self.body) - self.offset


class Outbox:
    """All that waits to be sent on one connection, in its order."""

    def __init__(self, *, sealed: bool) -> None:
        self.content_bytes_max = RECORD_CONTENT_BYTES_MAX - (TAG_BYTES if sealed else 0)  # R-2.e
        self.body_bytes_max = self.content_bytes_max - FRAME_HEADER_BYTES
        #: The other side's max-partial, once it is known.
        self.partial_bytes_max = 0
        self._ahead: deque[tuple[int, bytes]] = deque()  # SETTINGS, PING, PONG, CANCEL, CLOSE
        self._turns: deque[Message] = deque()
        self._waiting: deque[Message] = deque()
        self._begun_bytes = 0
        self._answers: dict[int, Message] = {}
        self._answer_bytes = 0
        #: Bytes of PONGs, and of ERRORs made where no handler had begun, that wait (P-4).
        self.reply_bytes = 0
        #: Whether the last record that was taken holds nothing but this side's CLOSE (C-6.d).
        self.last_record_was_close_only = False

    # Putting in

    def put_ahead(self, kind: int, id: int = 0, body: bytes = b"") -> None:
        """Queue a frame that goes ahead of the fragments of messages (P-1.b, C-2.c)."""
        frame = encode_frame(kind, id, body)
        self._ahead.append((kind, frame))
        if kind == PONG:
            self.reply_bytes += len(frame)

    def put(self, message: Message, *, is_answer: bool) -> None:
        """Queue a message behind those that wait."""
        if is_answer:
            self._answers[message.id] = message
            self._answer_bytes += len(message.body)
        if message.from_protocol:
            self.reply_bytes += FRAME_HEADER_BYTES + len(message.body)
        if self._is_single(message):
            self._turns.append(message)  # X-10.c
        else:
            self._waiting.append(message)
            self._begin_waiting()

    def drop(self, message: Message) -> None:
        """Send nothing (more) of a request that its caller gave up."""
        message.dropped = True
        self._end_count(message)
        message.body = b""

    def drop_all_but_settings(self) -> None:
        """Make what is put in next the last word, after the SETTINGS that may not have been sent yet (F-2)."""
        self._ahead = deque(entry for entry in self._ahead if entry[0] == SETTINGS)  # F-2.b
        self._turns.clear()
        self._waiting.clear()
        self._answers.clear()
        self._answer_bytes = self.reply_bytes = 0

    # Asking

    @property
    def holds_nothing_but_close(self) -> bool:
        messages = (message for queue in (self._turns, self._waiting) for message in queue)
        return all(kind == CLOSE for kind, _ in self._ahead) and all(message.dropped for message in messages)

    def answers_exceed(self, bytes_max: int) -> bool:
        """Whether the answers that wait, the longest not counted, have more than `bytes_max` bytes (P-5)."""
        if self._answer_bytes <= bytes_max:
            return False
        longest = max(message.remaining for message in self._answers.values())
        return self._answer_bytes - longest > bytes_max

    # Taking out

    def take_content(self, on_frame: Callable[[Message, bool], None]) -> bytes | None:
        """The frames of the next record, None if nothing waits (R-2.a).

        `on_frame` is called for each REQUEST, RESPONSE or ERROR frame that is taken, with whether it is the last one.
        """
        frames: list[bytes] = []
        kinds: list[int] = []
        room = self.content_bytes_max
        while True:
            if self._ahead:  # P-1.b: looked at again before each fragment
                kind, frame = self._ahead[0]
                if len(frame) > room:
                    break
                self._ahead.popleft()
                if kind == PONG:
                    self.reply_bytes -= len(frame)
            elif self._turns:
                message = self._turns[0]
                length = self._fragment_bytes(message, room - FRAME_HEADER_BYTES)
                if length is None:
                    break
                self._turns.popleft()
                if message.dropped:
                    continue
                kind, frame = message.kind, self._take_fragment(message, length, on_frame)
            else:
                break
            frames.append(frame)
            kinds.append(kind)
            room -= len(frame)
        if not frames:
            return None
        self.last_record_was_close_only = kinds == [CLOSE]
        return b"".join(frames)

    def _is_single(self, message: Message) -> bool:
        return len(message.body) <= self.body_bytes_max

    def _fragment_bytes(self, message: Message, room: int) -> int | None:
        """How many bytes of `message` go next into a record with `room` left; None if it has to be the next one."""
        if message.dropped:
            return 0
        if self._is_single(message):
            return message.remaining if message.remaining <= room else None
        if room < min(_SPARE_BYTES_MIN, message.remaining):
            return None
        return min(message.remaining, room, FRAGMENT_BYTES_MAX)  # X-4.d

    def _take_fragment(self, message: Message, length: int, on_frame: Callable[[Message, bool], None]) -> bytes:
        body = message.body[message.offset : message.offset + length]
        message.offset += length
        last = message.remaining == 0
        if self._answers.get(message.id) is message:
            self._answer_bytes -= length
            if last:
                del self._answers[message.id]
        if message.from_protocol:
            self.reply_bytes -= FRAME_HEADER_BYTES + length
        if not last:
            self._turns.append(message)  # X-4.d: behind the others that are ready
        frame = encode_frame(message.kind, message.id, body, 0 if last else MORE)  # X-4.a
        on_frame(message, last)
        if last:
            self._end_count(message)
        return frame

    def _begin_waiting(self) -> None:
        while self._waiting:
            message = self._waiting[0]  # X-10.b: first come, first served
            if not message.dropped:
                if self._begun_bytes + len(message.body) > self.partial_bytes_max:
                    return  # X-10.a
                message.counted = True
                self._begun_bytes += len(message.body)
                self._turns.append(message)
            self._waiting.popleft()

    def _end_count(self, message: Message) -> None:
        if message.counted:
            message.counted = False
            self._begun_bytes -= len(message.body)  # X-10.d
        self._begin_waiting()
