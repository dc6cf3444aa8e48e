"""score: scores of a ROOT file against the slower of its conversion alone and its network alone."""

import os
from collections.abc import Callable
from time import perf_counter

import torch

from benchmarks.conversions import recipe
from benchmarks.data import CHANNELS
from benchmarks.harness import Benchmark, Settings, TimeRatio, require_equal
from benchmarks.root_files import write_root_file
from calovision.conversion import StoredRecipe
from calovision.images import SparseImages
from calovision.models import ImageModel, ModelSpecification, make_model
from calovision.scoring import NtupleOptions, score_images, score_ntuples
from calovision.scoring.ntuples import ntuple_streams


def score(settings: Settings) -> Benchmark:
    """On all cores, of a file so long that starting the process of its images is a small part."""
    n_events = 8 * settings.n_events
    path = write_root_file(settings.scratch / "score.root", n_events)
    model = _model()
    (stream,) = ntuple_streams(model, [path], NtupleOptions())
    images = SparseImages.concatenate([rows.images for _, rows in stream])

    def slower_alone() -> float:
        of_network = _seconds(lambda: score_images(model, images), _cores())
        return max(_seconds(lambda: list(stream), _cores()), of_network)

    def end_to_end() -> float:
        options = NtupleOptions(force=True, processes=_cores())
        return _seconds(
            lambda: score_ntuples(model, [path], settings.scratch / "scores", options), _cores()
        )

    def check() -> None:
        (found,) = score_ntuples(model, [path], settings.scratch / "few", NtupleOptions(force=True))
        require_equal("end_to_end: scores", [found.n_scored], [len(images)])

    return Benchmark(
        title="scores of a ROOT file, 64x64x3, network small, on all cores",
        n_events=n_events,
        methods={"slower_alone": slower_alone, "end_to_end": end_to_end},
        bars=(TimeRatio("slower_alone", "end_to_end", at_least=0.8),),
        check=check,
        self_timed=True,
    )


def _model() -> ImageModel:
    """The network as it is initialized."""
    images = recipe()
    grid = {"n_eta": 64, "n_phi": 64, "eta_range": images.grid.eta_range, "eta_edges": None}
    torch.manual_seed(1)
    shape, units = (len(CHANNELS), 64, 64), images.image_units
    specification = ModelSpecification(
        network="small", image_shape=shape, grid=grid, channels=CHANNELS, units=units
    )
    model = make_model(specification, None).eval()
    model.recipe = StoredRecipe(images).to_dict()
    return model


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _seconds(work: Callable[[], object], n_threads: int) -> float:
    """Time with so many threads of torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    start = perf_counter()
    try:
        work()
        return perf_counter() - start
    finally:
        torch.set_num_threads(before)
