"""Training on a GPU, seen within eight minutes: ``tests/gpu_check.sh``.

``--device cpu --quick`` tries it where there is none.

Writes one JSON (``--output``) and prints its cells as a table. Its keys:

- ``device``: ``name``, ``kind`` (cuda or cpu), ``driver``, ``n_devices``; ``versions``: of torch,
  CUDA and calovision; ``commit``; ``seconds`` of the whole.
- ``tests``: ``{"status", "summary"}`` of ``pytest -m gpu``.
- ``cells``: for each network, image size and ``mode`` (fp32, bf16, compile: bf16 with
  torch.compile): ``images_per_s``; ``memory_gb``, the largest that torch had allocated;
  ``utilization_percent``, the mean of what NVML says during the steps; ``waiting_share``, the share
  of the time between the end of a step and the beginning of the next, by CUDA events in the stream
  of the GPU, so that it contains reading, copying and Lightning, or by the clock on the CPU; and
  ``score_difference``, the largest of 32 scores from those of the CPU, ``agrees`` if at most 1e-3.

What is not there is null, with its reason under the key ``reasons``.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

TESTS = Path(__file__).parents[1]
NETWORKS, SIZES, MODES = ("small", "resnet", "hep_cnn"), (64, 224), ("fp32", "bf16", "compile")
MEASURED = (
    "images_per_s", "memory_gb", "utilization_percent", "waiting_share", "score_difference",
    "agrees",
)  # fmt: skip
BUDGET, LIMIT, TESTS_LIMIT = 450.0, 75.0, 90.0  # seconds: of all, of a cell, of the tests
TOLERANCE = 1e-3


def main(arguments: list[str] | None = None) -> int:
    """Write the JSON; 0 if no score disagrees and no test fails, 1 if one does, 2 without a GPU."""
    import torch

    start = time.monotonic()
    options = _parser().parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("There is no GPU that torch can use; --device cpu tries the check.", file=sys.stderr)
        return 2
    content = {"device": describe(options.device), **versions()}
    content["tests"] = run_tests() if options.device == "cuda" else _unrun("there is no GPU")
    with tempfile.TemporaryDirectory(prefix="calovision-gpu-") as folder:
        content["cells"] = measure_all(options, Path(folder), start + BUDGET)
    content["seconds"] = time.monotonic() - start
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(content, indent=2) + "\n")
    print(table(content["cells"]), f"\n{content['device']['name']}; {options.output}")
    failed = content["tests"]["status"] not in (0, None)
    return int(failed or any(cell["agrees"] is False for cell in content["cells"]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpu_check.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="two cells of few images")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--output", type=Path, default=Path("results/gpu_check.json"))
    return parser


def describe(device: str) -> dict[str, object]:
    """Name and driver of the device that is used, the first of those that are visible."""
    import torch

    if device == "cpu":
        return {"kind": "cpu", "name": "CPU", "driver": None, "n_devices": 0}
    driver = Path("/proc/driver/nvidia/version")
    return {
        "kind": "cuda",
        "name": torch.cuda.get_device_name(0),
        "driver": driver.read_text().splitlines()[0] if driver.exists() else None,
        "n_devices": torch.cuda.device_count(),
    }


def versions() -> dict[str, object]:
    """Versions of the packages, and the commit where there is one."""
    import torch

    try:
        command = ["git", "-C", str(TESTS), "rev-parse", "HEAD"]
        commit = subprocess.run(command, capture_output=True, text=True).stdout.strip() or None
    except OSError:  # no git
        commit = None
    numbers = {"torch": torch.__version__, "cuda": torch.version.cuda}
    return {"versions": numbers | {"calovision": version("calovision")}, "commit": commit}


def run_tests() -> dict[str, object]:
    """``pytest -m gpu`` of the files that have such tests."""
    files = [str(path) for path in TESTS.glob("test_*.py") if "pytest.mark.gpu" in path.read_text()]
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "--numprocesses=0", *files]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TESTS_LIMIT, cwd=TESTS.parent
        )
    except subprocess.TimeoutExpired:
        return _unrun(f"longer than {TESTS_LIMIT:g} s")
    return {"status": done.returncode, "summary": (done.stdout.splitlines() or [""])[-1]}


def _unrun(reason: str) -> dict[str, object]:
    return {"status": None, "summary": reason}


def measure_all(options: argparse.Namespace, folder: Path, end: float) -> list[dict]:
    """All cells, each in a process of its own that is ended at its limit; few and here if quick."""
    cells = []
    sizes, networks, modes = (
        ((32,), ("small",), ("fp32", "bf16")) if options.quick else (SIZES, NETWORKS, MODES)
    )
    chosen = [(mode, size, network) for mode in modes for size in sizes for network in networks]
    for place, (mode, size, network) in enumerate(chosen):
        cell = {"network": network, "size": size, "mode": mode, "batch_size": options.batch_size}
        cell |= dict.fromkeys(MEASURED) | {"reasons": {}}
        choices = (cell, options.device, options.quick, folder)
        # the cells that follow keep a fair share
        limit = min(LIMIT, 3 * (end - time.monotonic()) / (len(chosen) - place))
        cells.append(_measure(*choices) if options.quick else run_apart(_measure, choices, limit))
        print(f"{network} {size} {mode}: {cells[-1]['images_per_s']}", file=sys.stderr, flush=True)
    return cells


def run_apart(measure: Callable[..., dict], choices: tuple, limit: float) -> dict:
    """What a function gives in a process of its own; the cell with a reason if it does not."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, measure, choices))
    process.start()
    sender.close()
    try:
        if receiver.poll(max(limit, 0)):
            return receiver.recv()
        reason = f"longer than {limit:.0f} s"
    except EOFError:
        process.join()
        reason = f"its process ended with status {process.exitcode}"
    finally:
        process.kill()
        process.join()
    return choices[0] | {"reasons": dict.fromkeys(MEASURED, reason)}


def _send(sender: object, measure: Callable[..., dict], choices: tuple) -> None:
    try:
        sender.send(measure(*choices))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:300]
        sender.send(choices[0] | {"reasons": dict.fromkeys(MEASURED, reason)})


def _measure(cell: dict, device: str, quick: bool, folder: Path) -> dict:
    from benchmarks.gpu_cells import measure_cell

    return measure_cell(
        cell, device, folder, n_images=64 if quick else 2048, seconds=0.2 if quick else 4
    )


def table(cells: list[dict]) -> str:
    """One line a cell."""
    names = ("network", "size", "mode", *MEASURED)
    lines = ["  ".join(f"{name:>19}" for name in names)]
    for cell in cells:
        values = [cell[name] for name in names]
        shown = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values]
        lines.append("  ".join(f"{value:>19}" for value in shown))
    reasons = [
        f"{cell['network']} {cell['size']} {cell['mode']}: {reason}"
        for cell in cells
        for reason in sorted(set(cell["reasons"].values()))
    ]
    return "\n".join([*lines, *reasons])


if __name__ == "__main__":
    sys.exit(main())
