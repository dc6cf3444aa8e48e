"""False discoveries of the methods of monitoring on drawn runs: the tables of docs/monitoring.md.

``python -m benchmarks.monitoring_methods``: a detector of 32x32 towers in two channels, networks
trained on 200 runs, and faults injected into others. Three minutes on one core.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from calovision.core.markdown import markdown_table
from calovision.monitoring.consecutive import ConsecutiveMethod
from calovision.monitoring.faults import FAULTS
from calovision.monitoring.injection import inject
from calovision.monitoring.methods import METHODS, Scorer
from calovision.monitoring.networks.training import (
    AutoencoderOptions,
    FaultClassifierOptions,
    train_autoencoder,
    train_fault_classifier,
)
from calovision.monitoring.performance import (
    ScoredTowers,
    false_discovery_rate,
    is_tested,
    measure_performance,
)
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import RunMaps
from calovision.monitoring.toys import ToyDetector, toy_detector

CELLS = 32, 32, 2
RULES = ("ring_mean", "poisson", "combined")
RUNS = {500: 400, 100: 100, 5000: 100}
"""Runs by their number of events, half of them with a fault."""
LEAST_HITS = {100: 10, 500: 50, 5000: 50}
"""Expected hits of tested towers."""
TOGETHER = 3
ADDED_UP = "sum"  # of -log10 of chances


def main(arguments: list[str] | None = None) -> None:
    """Train the networks, and print the tables as they come."""
    parser = argparse.ArgumentParser(prog="benchmarks.monitoring_methods", description=__doc__)
    parser.add_argument("--events", type=int, action="append", choices=list(RUNS))
    parser.add_argument("--networks", type=Path, help="folder to keep the networks in")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    detector = toy_detector(*CELLS)
    reference = Reference.of(detector.runs(100, 5000, np.random.default_rng(1), first_run=1001))
    networks = trained(detector, reference)
    for one in networks:
        if options.networks is not None:
            one.save(options.networks / f"{one.name}.safetensors")
        last = one.history[-1]
        print(f"{one.title}: {last['epoch'] + 1} epochs, {last['validation_loss']:.4f}", flush=True)
    for n_events in options.events or RUNS:
        rng = np.random.default_rng(n_events)
        good = detector.runs(RUNS[n_events], n_events, rng)
        methods = [*(METHODS[name] for name in RULES), *networks]
        figures = measure_performance(
            methods, {n_events: good}, reference, least_hits=LEAST_HITS[n_events]
        )
        print("", *figures.in_words(), "", *figures.false_discovery_table(), sep="\n", flush=True)
        together = [
            ConsecutiveMethod(METHODS["poisson"], TOGETHER, ADDED_UP),
            ConsecutiveMethod(networks[0], TOGETHER, "product"),
        ]
        rows = list(consecutive_rows(together, detector, reference, n_events))
        header = ["Fault", "Strength", "Events a run", *(one.title for one in together)]
        print("", *markdown_table(header, rows), sep="\n", flush=True)


def trained(detector: ToyDetector, reference: Reference) -> list[Scorer]:
    """Both networks, trained on runs of their own."""
    runs = detector.runs(200, 5000, np.random.default_rng(2), first_run=2001)
    cells = 800_000
    return [
        train_autoencoder(
            runs, reference, AutoencoderOptions(epochs=30, cells_an_epoch=cells // 2)
        ),
        train_fault_classifier(
            runs, reference, FaultClassifierOptions(epochs=24, cells_an_epoch=cells)
        ),
    ]


def consecutive_rows(
    methods: list[ConsecutiveMethod], detector: ToyDetector, reference: Reference, n_events: int
) -> Iterator[list[str]]:
    """False-discovery rates of runs that have the same fault as the two before them."""
    n = RUNS[n_events] // 2
    rng = np.random.default_rng(10 + n_events)
    sound, to_be_faulty = (sequences(detector, n, n_events, rng) for _ in range(2))
    tested = is_tested(reference, n_events, LEAST_HITS[n_events])
    of_sound = [one.scores(sound, reference)[TOGETHER - 1 :: TOGETHER] for one in methods]
    for kind in (name for name in FAULTS if name != "fading_module"):
        for strength in FAULTS[kind].strengths:
            faulty, mask = inject(
                to_be_faulty, kind, strength, 0, rates=reference.rate, live=tested, alike=TOGETHER
            )
            masks = np.concatenate([np.zeros_like(mask), mask])
            masks = masks[TOGETHER - 1 :: TOGETHER]
            cells = []
            for one, before in zip(methods, of_sound, strict=True):
                scores = one.scores(faulty, reference)[TOGETHER - 1 :: TOGETHER]
                towers = ScoredTowers.of(np.concatenate([before, scores]), masks, tested)
                rate, n_false, *_ = false_discovery_rate(towers)
                text = f"{rate.value:.2g} ({rate.low:.2g} to {rate.high:.2g})"
                cells.append(text if n_false else f"below {rate.high:.1e}")
            yield [FAULTS[kind].title, f"{strength:g}", str(n_events), *cells]


def sequences(detector: ToyDetector, n: int, n_events: int, rng: np.random.Generator) -> RunMaps:
    """Sequences of `TOGETHER` runs, with a gap between them."""
    runs = detector.runs(n * TOGETHER, n_events, rng)
    number = np.arange(n * TOGETHER)
    return replace(runs, run=1 + number + number // TOGETHER)


if __name__ == "__main__":
    main()
