"""How cost grows with requests under way, connections and bytes."""

from running import RunError
from works import _work as work

PEERS = ["Bokbok asynchronous, caller on the loop", "Bokbok sealed asynchronous, caller on the loop", "NIO handlers"]


def measure(runner, peers, quick, failures):
    """For each kind a dictionary with the points: a size, and what one costs in µs."""
    chosen = [peer for peer in peers if peer.name in PEERS]
    under_way = [1, 16, 256] if quick else [1, 4, 16, 64, 256, 1024, 4096]
    connections = [1, 10, 100] if quick else [1, 10, 100, 1000, 10_000]
    sizes = [1 << 10, 1 << 16, 1 << 20] if quick else [1 << power for power in range(10, 29, 2)]
    kinds = [
        (
            "Cost of a request by requests under way on one connection",
            "requests under way; µs for each request",
            [(count, work("B", "growth", "throughput", "requests/s", "unix", "pinned", under_way=count)) for count in under_way],
            lambda value, _: 1e6 / value,
        ),
        (
            "Cost of a request by connections, one under way on each",
            "connections; µs for each request",
            [(count, work("B", "growth", "throughput", "requests/s", "unix", "pinned", connections=count)) for count in connections],
            lambda value, _: 1e6 / value,
        ),
        (
            "Cost of a KiB by the size of the message",
            "bytes of a message; µs for each KiB",
            [(size, work("C", "growth", "bulk", "MB/s", "unix", "pinned", size=size)) for size in sizes],
            lambda value, _: 1024 / value,
        ),
    ]
    result = []
    for name, unit, points, cost in kinds:
        series = {}
        for peer in chosen:
            for size, work_ in points:
                try:
                    series.setdefault(peer.name, []).append([size, cost(runner.measure(peer, work_)["value"], size)])
                except RunError as error:
                    failures.append({"peer": peer.name, "work": f"H {name}, {size}", "reason": str(error)})
        result.append({"name": name, "unit": unit, "series": series})
    return result
