"""The works: what is measured, of whom, and in which unit."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Work:
    """One measurement of the plan, for one transport and one mode."""

    letter: str
    name: str
    arguments: tuple
    #: "µs", "requests/s", "MB/s" or "connections/s".
    unit: str
    transport: str
    mode: str
    connections: int = 1
    under_way: int = 1
    size: int = 64
    #: None: those that take part in works of this letter.
    only_prefix: str | None = None

    @property
    def key(self):
        return f"{self.letter} {self.name}, {self.transport}, {self.mode}"

    @property
    def lower_is_better(self):
        return self.unit == "µs"

    def takes(self, peer):
        if self.letter not in peer.works or (self.only_prefix and not peer.name.startswith(self.only_prefix)):
            return False
        return self.connections <= peer.connections_max and self.under_way <= peer.under_way_max


def _work(letter, name, kind, unit, transport, mode, **options):
    arguments = ["--work", kind]
    for option in ("connections", "under_way", "size"):
        if option in options:
            arguments += ["--" + option.replace("_", "-"), str(options[option])]
    return Work(letter, name, tuple(arguments), unit, transport, mode, **options)


def plan(quick, letters):
    """All measurements, in the order of the table."""
    works = []
    transports = ["tcp"] if quick else ["tcp", "unix"]
    modes = ["pinned"] if quick else ["pinned", "free"]
    for mode in modes:
        for transport in transports:
            works.append(_work("A", "latency", "latency", "µs", transport, mode))
            works.append(
                _work("B", "64 under way", "throughput", "requests/s", transport, mode, under_way=64)
            )
    if not quick:
        for under_way in (1, 8, 512):
            works.append(
                _work(
                    "B", f"{under_way} under way", "throughput", "requests/s", "tcp", "pinned", under_way=under_way
                )
            )
        for connections in (8, 64):
            works.append(
                _work(
                    "B",
                    f"64 under way, {connections} connections",
                    "throughput",
                    "requests/s",
                    "tcp",
                    "pinned",
                    under_way=64,
                    connections=connections,
                )
            )
    for transport in transports:
        for mebibytes in (1, 16):
            works.append(
                _work("C", f"{mebibytes} MiB", "bulk", "MB/s", transport, "pinned", size=mebibytes << 20)
            )
    works.append(_work("D", "small alone", "mixed-alone", "µs", "tcp", "pinned", under_way=64))
    works.append(_work("D", "small beside 16 MiB each way", "mixed", "µs", "tcp", "pinned", under_way=64))
    for transport in transports:
        works.append(_work("E", "open, request, close", "opening", "connections/s", transport, "pinned"))
    return [work for work in works if work.letter in letters]
