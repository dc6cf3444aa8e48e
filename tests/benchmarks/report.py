"""Results as JSON and as a table in Markdown, with the machine that gave them."""

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks.harness import BUSY, Outcome, Result

PACKAGES = (
    "calovision", "numpy", "numba", "awkward", "uproot", "h5py", "hdf5plugin",
    "EnergyFlow", "jetnet", "weaver-core", "hep-ml-lab", "boost-histogram", "fast-histogram",
    "torch",
)  # fmt: skip
FLAGS = ("avx2", "avx512f", "avx512vbmi2", "asimd", "sve")


def describe_machine() -> dict[str, object]:
    """Processor, cores, vector instructions and the versions of everything measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    fields = dict(
        reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line])
    )
    present = set(f"{fields.get('flags', '')} {fields.get('Features', '')}".split())
    return {
        "cpu": fields.get("model name", platform.processor() or platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in FLAGS if flag in present],
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def to_json(results: Mapping[str, Result], machine: Mapping[str, object], *, quick: bool) -> str:
    """``<benchmark>.<method>.{median_s, events_per_s, ...}``; beside them ``machine``, ``bars``,
    ``quick``."""
    content: dict[str, object] = {
        name: _methods(result) | result.benchmark.details for name, result in results.items()
    }
    bars = {name: [vars(outcome) for outcome in judge(result)] for name, result in results.items()}
    others = {name: result.others for name, result in results.items()}
    content |= {"machine": dict(machine), "others": others, "bars": bars, "quick": quick}
    return json.dumps(content, indent=2, default=float) + "\n"


def _methods(result: Result) -> dict[str, dict[str, float]]:
    methods: dict[str, dict[str, float]] = {}
    for name, seconds in result.seconds.items():
        median = float(np.median(seconds))
        methods[name] = {
            "median_s": median,
            "events_per_s": result.benchmark.n_events / median,
            "shortest_s": float(seconds.min()),
            "longest_s": float(seconds.max()),
            "rounds": len(seconds),
        }
    for name, values in result.values.items():
        methods.setdefault(name, {}).update(values)
    return methods


def judge(result: Result) -> list[Outcome]:
    """What each bar of a benchmark came to."""
    return [bar.judge(result) for bar in result.benchmark.bars]


def to_markdown(
    results: Mapping[str, Result], machine: Mapping[str, object], *, quick: bool
) -> str:
    """The bars in one table, then the methods of each benchmark."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = ["# Benchmarks", ""]
    if quick:
        lines += ["**A quick run: fewer events and fewer rounds.**", ""]
    lines += [
        f"{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['flags'])}; Python "
        f"{machine['python']}.",
        "",
    ]
    lines += [f"{versions}.", ""]
    lines += [
        "Medians over interleaved rounds; of bars the median of the ratios of the rounds, in "
        "brackets what 68 % of them lie between. `noise` is a median beyond the bar that this "
        "interval does not exclude, that fewer than three rounds give, or where others had more "
        "than 15 % of the machine.",
        "",
    ]
    lines += ["| benchmark | bar | reached | verdict |", "|---|---|---|---|"]
    for name, result in results.items():
        lines += [
            f"| {name} | {outcome.bar} | {_reached(outcome)} | {_verdict(outcome)} |"
            for outcome in judge(result)
        ]
    for name, result in results.items():
        lines += [
            "",
            f"## {name}",
            f"{result.benchmark.title}",
            "",
            *_others(result),
            *_method_table(result),
        ]
    return "\n".join(lines) + "\n"


def _reached(outcome: Outcome) -> str:
    if outcome.reached is None:
        return "not measured"
    unit = f" {outcome.unit}" if outcome.unit else ""
    spread = "" if outcome.low == outcome.high else f" ({outcome.low:.3g} to {outcome.high:.3g})"
    return f"{outcome.reached:.3g}{unit}{spread}"


def _verdict(outcome: Outcome) -> str:
    return "**missed**" if outcome.verdict == "missed" else outcome.verdict


def _others(result: Result) -> list[str]:
    if result.others <= BUSY:
        return []
    return [f"Other processes had {100 * result.others:.0f} % of the machine.", ""]


def _method_table(result: Result) -> list[str]:
    lines = []
    if result.seconds:
        lines += [
            "| method | median [s] | shortest to longest [s] | events/s |",
            "|---|---|---|---|",
        ]
        for name in sorted(result.seconds, key=lambda name: -np.median(result.seconds[name])):
            seconds = result.seconds[name]
            rate = result.benchmark.n_events / np.median(seconds)
            lines.append(
                f"| {name} | {np.median(seconds):.4g} | {seconds.min():.4g} to {seconds.max():.4g} "
                f"| {rate:,.0f} |"
            )
    if result.seconds and result.values:
        lines.append("")
    if result.values:
        lines += ["| what | quantity | value |", "|---|---|---|"]
        lines += [
            f"| {name} | {q} | {v:.4g} |"
            for name, values in result.values.items()
            for q, v in values.items()
        ]
    if result.notes:
        lines.append("")
    lines += [f"{name}: {note}." for name, note in result.notes.items()]
    return lines
