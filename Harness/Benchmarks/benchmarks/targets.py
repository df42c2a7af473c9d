"""What the library is to reach: ratios to what was measured in the same round, bytes of an idle connection, and ms."""

import dataclasses
import statistics

CALLBACK_SYNC = "Bokbok synchronous, caller called back"
CALLBACK = "Bokbok asynchronous, caller called back"
LOOP_SYNC = "Bokbok synchronous, caller on the loop"
LOOP = "Bokbok asynchronous, caller on the loop"
TASK = "Bokbok asynchronous, caller in an ordinary task"
SEALED_CALLBACK_SYNC = "Bokbok sealed synchronous, caller called back"
SEALED_CALLBACK = "Bokbok sealed asynchronous, caller called back"
SEALED_LOOP_SYNC = "Bokbok sealed synchronous, caller on the loop"
SEALED_LOOP = "Bokbok sealed asynchronous, caller on the loop"
SEALED_TASK = "Bokbok sealed asynchronous, caller in an ordinary task"
LATENCY = "A latency, tcp, pinned"
THROUGHPUT = "B 64 under way, tcp, pinned"


@dataclasses.dataclass(frozen=True)
class Target:
    name: str
    #: Work, peer and figure on top and below.
    above: tuple
    below: tuple
    #: "at most" or "at least"; None: told only.
    comparison: str | None
    limit: float | None


TARGETS = [
    Target("A p50, on the loop, to NIO handlers", (LATENCY, LOOP, "p50"), (LATENCY, "NIO handlers", "p50"), "at most", 1.1),
    Target("A p50, no task at all, to NIO handlers", (LATENCY, CALLBACK_SYNC, "p50"), (LATENCY, "NIO handlers", "p50"), "at most", 1.1),
    Target("A p50, no task at all, to raw C epoll", (LATENCY, CALLBACK_SYNC, "p50"), (LATENCY, "raw C epoll", "p50"), None, None),
    Target("A p50, on the loop, to raw C epoll", (LATENCY, LOOP, "p50"), (LATENCY, "raw C epoll", "p50"), None, None),
    Target("A p50, sealed, on the loop, to NIO handlers sealed", (LATENCY, SEALED_LOOP, "p50"), (LATENCY, "NIO handlers sealed", "p50"), "at most", 1.1),
    Target("A p50, sealed, no task at all, to NIO handlers sealed", (LATENCY, SEALED_CALLBACK_SYNC, "p50"), (LATENCY, "NIO handlers sealed", "p50"), "at most", 1.1),
    Target("A p50, ordinary task, to raw C epoll", (LATENCY, TASK, "p50"), (LATENCY, "raw C epoll", "p50"), "at most", 1.8),
    Target("A p50, ordinary task, to ZeroMQ", (LATENCY, TASK, "p50"), (LATENCY, "ZeroMQ", "p50"), "at most", 0.6),
    Target("A p50, sealed, ordinary task, to ZeroMQ CURVE", (LATENCY, SEALED_TASK, "p50"), (LATENCY, "ZeroMQ CURVE", "p50"), "at most", 0.6),
    Target("A p99 to its p50, on the loop", (LATENCY, LOOP, "p99"), (LATENCY, LOOP, "p50"), "at most", 2),
    Target("A p99 to its p50, ordinary task", (LATENCY, TASK, "p99"), (LATENCY, TASK, "p50"), "at most", 2),
    Target("A p99 to its p50, sealed, on the loop", (LATENCY, SEALED_LOOP, "p99"), (LATENCY, SEALED_LOOP, "p50"), "at most", 2),
    Target("B, asynchronous handler, to ZeroMQ", (THROUGHPUT, LOOP, "value"), (THROUGHPUT, "ZeroMQ", "value"), "at least", 1.5),
    Target("B, synchronous handler, to ZeroMQ", (THROUGHPUT, LOOP_SYNC, "value"), (THROUGHPUT, "ZeroMQ", "value"), "at least", 2),
    Target("B, asynchronous handler, caller called back, to ZeroMQ", (THROUGHPUT, CALLBACK, "value"), (THROUGHPUT, "ZeroMQ", "value"), "at least", 1.5),
    Target("B, no task at all, to ZeroMQ", (THROUGHPUT, CALLBACK_SYNC, "value"), (THROUGHPUT, "ZeroMQ", "value"), "at least", 2),
    Target("B, sealed, asynchronous handler, to ZeroMQ CURVE", (THROUGHPUT, SEALED_LOOP, "value"), (THROUGHPUT, "ZeroMQ CURVE", "value"), "at least", 2.5),
    Target("B, sealed, asynchronous handler, to plain", (THROUGHPUT, SEALED_LOOP, "value"), (THROUGHPUT, LOOP, "value"), "at least", 0.75),
    Target("B, sealed, synchronous handler, to ZeroMQ CURVE", (THROUGHPUT, SEALED_LOOP_SYNC, "value"), (THROUGHPUT, "ZeroMQ CURVE", "value"), "at least", 3),
    Target("B, sealed, asynchronous handler, caller called back, to ZeroMQ CURVE", (THROUGHPUT, SEALED_CALLBACK, "value"), (THROUGHPUT, "ZeroMQ CURVE", "value"), "at least", 2.5),
    Target("B, sealed, no task at all, to ZeroMQ CURVE", (THROUGHPUT, SEALED_CALLBACK_SYNC, "value"), (THROUGHPUT, "ZeroMQ CURVE", "value"), "at least", 3),
    Target("B, no task at all, to NIO handlers", (THROUGHPUT, CALLBACK_SYNC, "value"), (THROUGHPUT, "NIO handlers", "value"), None, None),
    Target("B, asynchronous handler, to NIO handlers", (THROUGHPUT, LOOP, "value"), (THROUGHPUT, "NIO handlers", "value"), None, None),
    Target("C 1 MiB to raw C blocking", ("C 1 MiB, tcp, pinned", LOOP, "value"), ("C 1 MiB, tcp, pinned", "raw C blocking", "value"), "at least", 0.8),
    Target("C 16 MiB to raw C blocking", ("C 16 MiB, tcp, pinned", LOOP, "value"), ("C 16 MiB, tcp, pinned", "raw C blocking", "value"), "at least", 0.8),
    Target("C 1 MiB, sealed, to raw C blocking sealed", ("C 1 MiB, tcp, pinned", SEALED_LOOP, "value"), ("C 1 MiB, tcp, pinned", "raw C blocking sealed", "value"), "at least", 1),
    Target("C 16 MiB, sealed, to raw C blocking sealed", ("C 16 MiB, tcp, pinned", SEALED_LOOP, "value"), ("C 16 MiB, tcp, pinned", "raw C blocking sealed", "value"), "at least", 1),
    Target("D p99 of the small ones to without the large ones", ("D small beside 16 MiB each way, tcp, pinned", LOOP, "p99"), ("D small alone, tcp, pinned", LOOP, "p99"), "at most", 5),
    Target("D p99, sealed, to without the large ones", ("D small beside 16 MiB each way, tcp, pinned", SEALED_LOOP, "p99"), ("D small alone, tcp, pinned", SEALED_LOOP, "p99"), "at most", 5),
    Target("E to raw C with the same exchanges", ("E open, request, close, tcp, pinned", LOOP, "value"), ("E open, request, close, tcp, pinned", "raw C epoll", "value"), "at least", 0.6),
    Target("E, sealed, to raw C with the same exchanges and key agreement", ("E open, request, close, tcp, pinned", SEALED_LOOP, "value"), ("E open, request, close, tcp, pinned", "raw C epoll sealed", "value"), "at least", 0.5),
]


@dataclasses.dataclass(frozen=True)
class Amount:
    """A target that is no ratio: at most so many bytes or ms."""

    name: str
    unit: str
    limit: float
    #: Of the peers of F, or of what G started: what is measured, and what is taken off.
    entry: str
    floor: str | None = None


AMOUNTS = [
    Amount("F beyond a bare NIO channel", "B", 2048, LOOP, "NIO handlers"),
    Amount("F beyond a bare NIO channel, sealed", "B", 3072, SEALED_LOOP, "NIO handlers"),
    Amount("G", "ms", 15, "bokbok call, plain"),
    Amount("G, sealed", "ms", 15, "bokbok call, sealed, with a key file"),
]


def judge_amounts(memory, start):
    """The targets that are no ratios, of what F and G measured."""
    found = {entry["peer"]: entry["bytesEach"] for entry in memory} | {entry["name"]: entry["median"] for entry in start}
    judged = []
    for target in AMOUNTS:
        entry = {"name": target.name, "comparison": "at most", "limit": target.limit, "unit": target.unit}
        if target.entry in found and (target.floor is None or target.floor in found):
            amount = found[target.entry] - (found[target.floor] if target.floor else 0)
            entry |= {"amount": amount, "reached": amount <= target.limit}
        judged.append(entry)
    return judged


def judge(results):
    """The targets with their ratios; `results` maps work and peer to the figures of each round."""
    judged = []
    for target in TARGETS:
        above = results.get(target.above[:2], {})
        below = results.get(target.below[:2], {})
        ratios = [
            above[number][target.above[2]] / below[number][target.below[2]]
            for number in sorted(above.keys() & below.keys())
            if below[number][target.below[2]]
        ]
        entry = {"name": target.name, "comparison": target.comparison, "limit": target.limit}
        if ratios:
            ratio = statistics.median(ratios)
            entry |= {"ratio": ratio, "least": min(ratios), "most": max(ratios)}
            if target.comparison:
                entry["reached"] = ratio <= target.limit if target.comparison == "at most" else ratio >= target.limit
        judged.append(entry)
    return judged
