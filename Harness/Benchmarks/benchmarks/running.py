"""Starts a server and a client as two processes, and takes the client's line."""

import json
import os
import pathlib
import selectors
import socket
import subprocess
import time


class RunError(Exception):
    """A measurement that gave no figure, with the reason."""


class Runner:
    def __init__(self, folders, scratch, seconds):
        self.folders = folders
        self.scratch = pathlib.Path(scratch)
        self.seconds = seconds
        self.core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        self._number = 0

    def _address(self, transport):
        self._number += 1
        if transport == "unix":
            return f"unix:{self.scratch / f's{self._number}'}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return f"tcp:127.0.0.1:{probe.getsockname()[1]}"

    def _command(self, peer, mode):
        path = peer.path(self.folders)
        pin = ["taskset", "-c", str(self.core)] if mode == "pinned" and self.core is not None else []
        return pin + [str(path)]

    def start(self, command):
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for_line(self, process, expected, timeout=20):
        """Waits until the process says the line."""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout):
                raise RunError(f"said nothing within {timeout} s")
        line = process.stdout.readline().strip()
        if line != expected:
            raise RunError(f"said {line!r} instead of {expected!r}: {self.complaint(process)}")

    @staticmethod
    def complaint(process):
        if process.poll() is None:
            process.kill()
        return process.communicate()[1].strip()[-500:]

    @staticmethod
    def stop(process):
        """Ends a process that this runner started."""
        if process.poll() is None:
            process.kill()
        process.communicate()

    def measure(self, peer, work):
        """One figure of one peer, as a dictionary."""
        command = self._command(peer, work.mode)
        address = self._address(work.transport)
        server = self.start(command + ["server", address, *peer.server])
        try:
            self.wait_for_line(server, "ready")
            client = self.start(
                command + ["client", address, *peer.client, *work.arguments, "--seconds", str(self.seconds)]
            )
            try:
                output, errors = client.communicate(timeout=30 + 20 * self.seconds)
            except subprocess.TimeoutExpired:
                raise RunError("the client did not end") from None
            finally:
                self.stop(client)
            if client.returncode != 0:
                raise RunError(f"the client ended with {client.returncode}: {errors.strip()[-300:]}")
            if server.poll() is not None:
                raise RunError(f"the server ended with {server.returncode}: {self.complaint(server)}")
            return self._figures(json.loads(output), work)
        finally:
            self.stop(server)

    @staticmethod
    def _figures(line, work):
        seconds = line["nanoseconds"] / 1e9
        if work.unit == "µs":
            figures = {name: line[name] / 1000 for name in ("p50", "p99", "p999")}
            figures["value"] = figures["p99" if work.letter == "D" else "p50"]
            figures["requests"] = line["requests"]
            return figures
        rate = line["requests"] / seconds
        return {"value": rate * work.size / 1e6 if work.unit == "MB/s" else rate, "requests": line["requests"]}

    def resident(self, process):
        """Resident memory of a process, in bytes."""
        for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RunError("the system does not tell the resident memory")

    def idle_memory(self, peer, transport, counts):
        """Resident memory of the server with each of the numbers of connections, in bytes."""
        result = {}
        for count in counts:
            address = self._address(transport)
            command = [str(peer.path(self.folders))]
            server = self.start(command + ["server", address, *peer.server])
            try:
                self.wait_for_line(server, "ready")
                client = self.start(
                    command
                    + ["client", address, *peer.client, "--work", "idle", "--connections", str(count)]
                )
                try:
                    self.wait_for_line(client, "open", timeout=120)
                    time.sleep(0.3)  # what the last opening left to be done
                    result[count] = self.resident(server)
                finally:
                    self.stop(client)
            finally:
                self.stop(server)
        return result
