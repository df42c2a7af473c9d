"""The report: what is written as JSON, and the table for people."""

import json
import os
import pathlib
import platform
import statistics
import sys

from targets import judge, judge_amounts

FORMAT = "bokbok-benchmarks-1"


def machine():
    """What the machine is, without its name."""
    model = platform.processor() or platform.machine()
    memory = None
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        first = pathlib.Path("/proc/meminfo").read_text().splitlines()[0]
        memory = int(first.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "memoryBytes": memory,
        "system": f"{platform.system()} {platform.release()}",
    }


def make(works, peers, results, not_run, failures, memory, start, grown, options):
    """The report as one dictionary; `results` maps work and peer to the figures of each round."""
    tables = []
    for work in works:
        figures = []
        for peer in peers:
            rounds = results.get((work.key, peer.name))
            if not rounds:
                continue
            values = [rounds[number]["value"] for number in sorted(rounds)]
            figure = {
                "peer": peer.name,
                "values": values,
                "median": statistics.median(values),
                "least": min(values),
                "most": max(values),
            }
            for name in ("p50", "p99", "p999"):
                if name in rounds[next(iter(rounds))]:
                    figure[name] = statistics.median(entry[name] for entry in rounds.values())
            figures.append(figure)
        if figures:
            tables.append(
                {
                    "work": work.letter,
                    "name": work.name,
                    "transport": work.transport,
                    "mode": work.mode,
                    "unit": work.unit,
                    "connections": work.connections,
                    "underWay": work.under_way,
                    "messageBytes": work.size,
                    "figures": figures,
                }
            )
    return {
        "format": FORMAT,
        "machine": machine(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "peers": [
            {"name": peer.name, "options": peer.options, "sealed": peer.sealed} for peer in peers
        ],
        "notRun": not_run,
        "failures": failures,
        "tables": tables,
        "idleMemory": memory,
        "start": start,
        "growth": grown,
        "targets": judge(results) + judge_amounts(memory, start),
    }


def number(value):
    """Three significant digits, in groups."""
    if value >= 1000:
        return f"{round(value, -max(0, len(str(int(value))) - 3)):,.0f}"
    return f"{value:.3g}"


def text(report):
    """The table for people."""
    lines = []
    machine_ = report["machine"]
    memory = f", {machine_['memoryBytes'] / 2**30:.0f} GiB" if machine_["memoryBytes"] else ""
    lines.append(f"{machine_['processor']}, {machine_['processors']} processors{memory}, {machine_['system']}")
    lines.append(f"medians of {report['rounds']} rounds of {report['seconds']} s each; in brackets least to most")
    for table in report["tables"]:
        unit = table["unit"]
        lines += ["", f"{table['work']} {table['name']}, {table['transport']}, {table['mode']} ({unit})"]
        order = sorted(table["figures"], key=lambda figure: figure["median"], reverse=unit != "µs")
        for figure in order:
            spread = f"[{number(figure['least'])} to {number(figure['most'])}]"
            line = f"  {figure['peer']:<52}{number(figure['median']):>12}  {spread}"
            if "p99" in figure:
                line += f"  p50 {number(figure['p50'])}, p99 {number(figure['p99'])}, p99.9 {number(figure['p999'])}"
            lines.append(line)
    if report["idleMemory"]:
        lines += ["", "F idle connections (bytes of the server for each, from the 100th on)"]
        for entry in report["idleMemory"]:
            lines.append(f"  {entry['peer']:<52}{number(entry['bytesEach']):>12}  of {entry['connections']:,}")
    if report["start"]:
        lines += ["", "G start of `bokbok call` as a whole process (ms)"]
        for entry in report["start"]:
            lines.append(f"  {entry['name']:<52}{number(entry['median']):>12}  [{number(entry['least'])} to {number(entry['most'])}]")
    for entry in report["growth"]:
        lines += ["", f"{entry['name']} ({entry['unit']})"]
        for name, points in entry["series"].items():
            lines.append(f"  {name:<52}" + ", ".join(f"{size:,}: {number(cost)}" for size, cost in points))
    lines += ["", "Targets: medians of ratios within a round; bytes of an idle connection; ms"]
    for target in report["targets"]:
        unit = f" {target['unit']}" if "unit" in target else ""
        wanted = f"{target['comparison']} {target['limit']}{unit}" if target["comparison"] else "told only"
        if "ratio" in target:
            found = f"{target['ratio']:.2f} [{target['least']:.2f} to {target['most']:.2f}]"
        elif "amount" in target:
            found = f"{number(target['amount'])}{unit}"
        else:
            found = "not measured"
        if "reached" in target:
            found += "  reached" if target["reached"] else "  NOT REACHED"
        lines.append(f"  {target['name']:<66}{wanted:<16}{found}")
    lines += ["", "Options"]
    lines += [f"  {peer['name']}: {peer['options']}" for peer in report["peers"]]
    for entry in report["notRun"]:
        lines.append(f"  {entry['peer']}: not run, {entry['reason']}")
    for entry in report["failures"]:
        lines.append(f"  {entry['peer']} in {entry['work']}: failed, {entry['reason']}")
    return "\n".join(lines)


def check(report, schema):
    """What in the report is against its schema; None where nothing is, or where Python has no jsonschema to tell."""
    try:
        import jsonschema
    except ImportError:
        print("the report is not checked against its schema: install python3-jsonschema", file=sys.stderr)
        return None
    error = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(json.loads(schema.read_text())).iter_errors(report)
    )
    return error and f"{error.json_path}: {error.message}"


def write(report, folder):
    """Writes the JSON and the table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    (folder / "report.txt").write_text(text(report) + "\n")
