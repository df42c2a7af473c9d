"""Measures the library against its peers: see README.md beside this folder."""

import argparse
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import growth
import picture
import report
import starting
from peers import PEERS
from running import RunError, Runner
from works import plan

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent


def parse():
    parser = argparse.ArgumentParser(
        prog="Harness/measure", description="Measures the library against its peers and the floor of the machine."
    )
    parser.add_argument("--quick", action="store_true", help="fewer peers, works and rounds: about a minute")
    parser.add_argument("--rounds", type=int, help="rounds (default 5, quick 3)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (default 0.4, quick 0.3)")
    parser.add_argument(
        "--works", help="letters of the works to run (default ABCDEFGH, quick ABC); H is how cost grows"
    )
    parser.add_argument("--peer", action="append", help="only peers whose name contains this; repeatable")
    parser.add_argument("--output", type=pathlib.Path, help="folder of the report (default .build-benchmarks/report)")
    parser.add_argument("--scratch-path", type=pathlib.Path, default=ROOT / ".build-benchmarks", help="build folder")
    parser.add_argument("--grpc", action="store_true", help="also build and run gRPC Swift, whose build takes minutes")
    parser.add_argument("--skip-build", action="store_true", help="use what was built before")
    options = parser.parse_args()
    options.works = options.works or ("ABC" if options.quick else "ABCDEFGH")
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.seconds = options.seconds or (0.3 if options.quick else 0.4)
    options.output = options.output or options.scratch_path / "report"
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def build(options):
    """Builds all peers; returns the folders with the executables."""
    swift = ["swift", "build", "-c", "release", "--package-path", str(HERE), "--scratch-path", str(options.scratch_path)]
    peers = options.scratch_path / "peers"
    if not options.skip_build:
        wanted = {"BOKBOK_BENCHMARK_GRPC": "1"} if options.grpc else {}
        subprocess.run(swift, check=True, stdout=sys.stderr, env=os.environ | wanted)
        subprocess.run(["make", "-s", "-C", str(HERE / "Peers"), f"BUILD={peers}"], check=True, stdout=sys.stderr)
    products = subprocess.run(swift + ["--show-bin-path"], check=True, capture_output=True, text=True).stdout.strip()
    return [products, str(peers)]


def choose(options, folders):
    """The peers to run, and those that are not, with the reason."""
    chosen, not_run = [], []
    for peer in PEERS:
        if options.peer and not any(part in peer.name for part in options.peer):
            continue
        if options.quick and not peer.is_quick:
            continue
        if peer.path(folders) is None:
            reason = f"install {peer.install}" if peer.install else peer.advice or "not built"
            not_run.append({"peer": peer.name, "reason": reason})
        else:
            chosen.append(peer)
    return chosen, not_run


def run_rounds(runner, works, peers, rounds):
    """Peers in turn, work by work, round by round."""
    results, failures = {}, []
    failed = set()
    for number in range(rounds):
        for work in works:
            for peer in peers:
                key = (work.key, peer.name)
                if not work.takes(peer) or key in failed:
                    continue
                try:
                    results.setdefault(key, {})[number] = runner.measure(peer, work)
                except RunError as error:
                    failed.add(key)
                    results.pop(key, None)
                    failures.append({"peer": peer.name, "work": work.key, "reason": str(error)})
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    return results, failures


def idle_memory(runner, peers, options, failures):
    """Work F."""
    entries = []
    most = 1000 if options.quick else 10_000
    for peer in peers:
        if "F" not in peer.works:
            continue
        try:
            resident = runner.idle_memory(peer, "unix", [100, most])
        except RunError as error:
            failures.append({"peer": peer.name, "work": "F idle connections", "reason": str(error)})
            continue
        each = (resident[most] - resident[100]) / (most - 100)
        entries.append({"peer": peer.name, "connections": most, "bytesEach": each})
    return entries


def start_of_call(options, scratch, failures):
    """Work G; the command is a product of the main package, built beside as the project's README says to install it."""
    command = ["swift", "build", "-c", "release", "--static-swift-stdlib", "--product", "bokbok"]
    command += ["--scratch-path", str(ROOT / ".build-release-static")]
    if not options.skip_build:
        subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr)
    shown = subprocess.run(command + ["--show-bin-path"], check=True, cwd=ROOT, capture_output=True, text=True)
    program = pathlib.Path(shown.stdout.strip()) / "bokbok"
    if not program.exists():
        failures.append({"peer": "bokbok call", "work": "G start", "reason": f"{program} is not built"})
        return []
    try:
        return starting.measure(program, scratch, 10 if options.quick else 40)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        failures.append({"peer": "bokbok call", "work": "G start", "reason": str(error)})
        return []


def main():
    options = parse()
    if shutil.which("taskset") is None:
        sys.exit("taskset is missing: install util-linux")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65_536, hard) if hard > 0 else 65_536, hard))
    began = time.monotonic()
    folders = build(options)
    peers, not_run = choose(options, folders)
    works = plan(options.quick, options.works)
    with tempfile.TemporaryDirectory(prefix="bokbok-") as scratch:
        runner = Runner(folders, scratch, options.seconds)
        results, failures = run_rounds(runner, works, peers, options.rounds)
        memory = idle_memory(runner, peers, options, failures) if "F" in options.works else []
        grown = growth.measure(runner, peers, options.quick, failures) if "H" in options.works else []
        start = start_of_call(options, pathlib.Path(scratch), failures) if "G" in options.works else []
    made = report.make(works, peers, results, not_run, failures, memory, start, grown, options)
    report.write(made, options.output)
    invalid = report.check(made, HERE / "report.schema.json")
    if invalid:
        sys.exit(f"{options.output}/report.json does not follow report.schema.json: {invalid}")
    picture.write(made, options.output)
    print(report.text(made))
    print(f"\nreport: {options.output}/report.html; took {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
