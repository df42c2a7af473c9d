"""Work G: `bokbok call` as a whole process."""

import statistics
import subprocess
import time

KEY = "07" * 32


def _time(command):
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    taken = (time.perf_counter() - began) * 1000
    if done.returncode != 0 or done.stdout.strip() != "(echo x)":
        raise RuntimeError(f"{' '.join(command)}: {done.stdout} {done.stderr}")
    return taken


def measure(program, scratch, times):
    """Plain, sealed with a key file, and a process that does nothing for comparison; in ms."""
    key = scratch / "key"
    users = scratch / "users"
    for path, line in ((key, KEY), (users, f"user {KEY}")):
        path.write_text(line + "\n")
        path.chmod(0o600)
    entries = []
    for name, server_options, call_options in (
        ("plain", ["--plain"], []),
        ("sealed, with a key file", ["--users", str(users)], ["--user", "user", "--key-file", str(key)]),
    ):
        address = f"unix:{scratch / name.split(',')[0]}"
        server = subprocess.Popen(
            [str(program), "serve", address, *server_options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            server.stdout.readline()
            taken = [_time([str(program), "call", address, *call_options, "(echo x)"]) for _ in range(times)]
        finally:
            server.kill()
            server.communicate()
        entries.append(_entry(f"bokbok call, {name}", taken))
    entries.append(_entry("bokbok --version, without a connection", [_run([str(program), "--version"]) for _ in range(times)]))
    entries.append(_entry("/bin/true", [_run(["/bin/true"]) for _ in range(times)]))
    return entries


def _run(command):
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000


def _entry(name, taken):
    return {"name": name, "median": statistics.median(taken), "least": min(taken), "most": max(taken)}
