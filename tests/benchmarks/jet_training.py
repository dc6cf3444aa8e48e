"""jet_training: the same small network on the same jets, trained by weaver and by calovision.

Both read the ROOT files of `benchmarks.jetclass_files`: calovision by way of its image files,
weaver as particles, which the network makes images of first.
"""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace

import torch
from torch import nn

from benchmarks.harness import Benchmark, Settings
from benchmarks.jet_batch_peers import pixelated, weaver_loader
from benchmarks.jet_batches import convert_jets
from benchmarks.jetclass_files import GRID, JetFiles, write_jet_files
from benchmarks.training import BATCH, N_IMAGES, options, train, use_all_cores
from calovision.models.small import SmallCNN
from calovision.storage import ImageCollection


class NetworkOfParticles(nn.Module):
    """The network ``small`` with an output for each class, on images of particles."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SmallCNN((1, GRID.n_eta, GRID.n_phi), circular=False)
        self.head = nn.Linear(self.network.n_features, 2)

    def forward(self, particles: torch.Tensor) -> torch.Tensor:
        """``(n, {eta, phi, pt}, k)`` to logits ``(n, 2)``."""
        return self.head(self.network.features(torch.log1p(pixelated(particles))))


def train_with_weaver(files: JetFiles, folder: Path) -> Callable[[], float]:
    """Function that gives the seconds of the second epoch of weaver's own loop."""

    def epoch() -> float:
        from weaver.utils.nn.tools import train_classification

        use_all_cores()
        loader = weaver_loader(files, folder, batch_size=BATCH)
        model = NetworkOfParticles()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
        arguments = {"args": SimpleNamespace(use_amp=False, amp_dtype="bf16")}
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar, unseen as ours
            for number in range(2):
                start = perf_counter()
                train_classification(
                    *(model, nn.CrossEntropyLoss(), optimizer, None, loader, torch.device("cpu")),
                    number,
                    extra_args=arguments,
                )
        return perf_counter() - start

    return epoch


def jet_training(settings: Settings) -> Benchmark:
    """An epoch of each; calovision's share for training is that of its image files."""
    n_jets = min(2 * N_IMAGES["small"], 4 * settings.n_events)
    files = write_jet_files(settings.scratch / "jets", n_jets)
    folder = settings.scratch / "images"
    folder.mkdir()
    collection = ImageCollection(convert_jets(files, folder))
    choices = options("small", augmentation=False, circular=False)
    n_training = int((collection.column("split") == 0).sum()) // BATCH * BATCH
    of_weaver = train_with_weaver(files, settings.scratch / "weaver")
    return Benchmark(
        title=f"an epoch of small, jet images {GRID.n_eta}x{GRID.n_phi}, batches of {BATCH}",
        n_events=n_training,
        methods={"calovision": lambda: train(collection, choices)},
        # all jets are in weaver's epoch
        peers={"weaver": lambda: of_weaver() * n_training / files.n_jets},
        check_peer=lambda name: _require(name),
        self_timed=True,
    )


def _require(module: str) -> None:
    """Raise ModuleNotFoundError unless a peer is installed."""
    __import__(module)
