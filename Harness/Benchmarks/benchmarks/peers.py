"""The peers: how each is started, and what the table says of it."""

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Peer:
    """One way to exchange messages, as two programs that the runner starts."""

    name: str
    #: The executable, under the folder of the Swift products or that of the C and C++ peers.
    program: str
    #: Arguments of the server, and of the client.
    server: tuple = ()
    client: tuple = ()
    #: Options, threads and socket options, for the table.
    options: str = ""
    sealed: bool = False
    #: What to install where the program could not be built.
    install: str = ""
    #: What else to do where the program is not there.
    advice: str = ""
    #: Works it takes part in: letters of the table in README.md.
    works: str = "ABC"
    #: Only works with one connection.
    connections_max: int = 1_000_000
    under_way_max: int = 1_000_000
    #: Runs in the short form too.
    is_quick: bool = True

    def path(self, folders):
        for folder in folders:
            path = pathlib.Path(folder) / self.program
            if path.exists():
                return path
        return None


#: Where the client's requests come from.
_CALLERS = {
    "loop": ("caller on the loop", ""),
    "task": ("caller in an ordinary task", "; the client's tasks on the global pool"),
    "callback": ("caller called back", "; no task at the client: sendRequest, whose completion sends the next request"),
}


def _bokbok(handler, caller, sealed):
    where, options = _CALLERS[caller]
    return Peer(
        name=f"Bokbok {'sealed ' if sealed else ''}{handler}, {where}",
        program="bokbok-peer",
        server=("--variant", handler) + (("--sealed",) if sealed else ()),
        client=("--caller", caller) + (("--sealed",) if sealed else ()),
        sealed=sealed,
        works="ABCDEF" if caller == "loop" and handler == "asynchronous" else "AB",
        options="one event loop on each side; TCP_NODELAY; limits raised, else the library's defaults"
        + options,
    )


PEERS = [
    Peer(
        name="raw C blocking",
        program="raw",
        server=("--variant", "blocking"),
        client=("--variant", "blocking"),
        works="AC",
        connections_max=1,
        options="blocking sockets, a thread for each connection of the server; TCP_NODELAY",
    ),
    Peer(
        name="raw C epoll",
        program="raw",
        server=("--variant", "epoll"),
        client=("--variant", "epoll"),
        works="ABCE",
        options="one thread on each side, level-triggered epoll, one write for all that a read of 64 KiB held; "
        "TCP_NODELAY",
    ),
    Peer(
        name="raw C epoll sealed",
        program="raw",
        server=("--variant", "epoll", "--sealed"),
        client=("--variant", "epoll", "--sealed"),
        sealed=True,
        works="ABE",
        options="as raw C epoll, with libsodium's ChaCha20-Poly1305 for each message",
    ),
    Peer(
        name="raw C blocking sealed",
        program="raw",
        server=("--variant", "blocking", "--sealed"),
        client=("--variant", "blocking", "--sealed"),
        sealed=True,
        works="C",
        connections_max=1,
        options="as raw C blocking, with libsodium's ChaCha20-Poly1305 for each record of 64 KiB",
    ),
    Peer(
        name="NIO handlers",
        program="nio-peer",
        works="ABCF",
        options="SwiftNIO, one event loop on each side, bare channel handlers, one write for each read; TCP_NODELAY",
    ),
    Peer(
        name="NIO handlers sealed",
        program="nio-peer",
        server=("--sealed",),
        client=("--sealed",),
        sealed=True,
        works="AB",
        options="as NIO handlers, with libsodium's ChaCha20-Poly1305 for each message",
    ),
    _bokbok("synchronous", "callback", False),
    _bokbok("asynchronous", "callback", False),
    _bokbok("synchronous", "loop", False),
    _bokbok("asynchronous", "loop", False),
    _bokbok("asynchronous", "task", False),
    _bokbok("synchronous", "callback", True),
    _bokbok("asynchronous", "callback", True),
    _bokbok("synchronous", "loop", True),
    _bokbok("asynchronous", "loop", True),
    _bokbok("asynchronous", "task", True),
    Peer(
        name="ZeroMQ",
        program="zeromq",
        install="libzmq3-dev",
        options="DEALER to ROUTER, one I/O thread and one other on each side, no high-water mark, else its defaults",
    ),
    Peer(
        name="ZeroMQ CURVE",
        program="zeromq",
        server=("--sealed",),
        client=("--sealed",),
        sealed=True,
        install="libzmq3-dev",
        options="as ZeroMQ, with CURVE",
    ),
    Peer(
        name="Cap'n Proto",
        program="capnproto",
        install="libcapnp-dev capnproto",
        is_quick=False,
        options="C++ RPC over two-party connections, one thread on each side, no traversal limit, else its defaults",
    ),
    Peer(
        name="gRPC Swift",
        program="grpc-peer",
        advice="add --grpc: its libraries take minutes to build",
        is_quick=False,
        options="grpc-swift-2 over HTTP/2 without TLS, unary calls, messages as they are; one event loop on each side, "
        "handlers and callers in ordinary tasks; messages of up to 1 GiB, else its defaults",
    ),
    Peer(
        name="nng",
        program="nng",
        install="libnng-dev",
        is_quick=False,
        under_way_max=1024,
        options="REQ to REP, asynchronous, a context for each request under way, its own threads, else its defaults",
    ),
]
