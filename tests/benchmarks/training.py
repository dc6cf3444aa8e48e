"""train_<network>, train_extras and read_batches: training against the same steps without reading,
and reading alone.

``on_device`` is the bar that cannot be passed: the same steps of the same network on a batch that
already lies on the device. ``everybody`` is the loop that everybody writes: a gzip file, a
DataLoader, float32, channels first. With a GPU the same table has its memory and its utilization.
"""

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import h5py
import lightning
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.data import CHANNELS, SEED, make_towers, make_tracks
from benchmarks.harness import Benchmark, Settings, TimeRatio
from benchmarks.image_files import GRID, write_dense_file, write_image_file
from calovision.datasets import ImageLoader
from calovision.images import build_sparse_images
from calovision.models import make_model
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions, train_network
from calovision.training.classifier import ImageClassifier
from calovision.training.data import ImageData, specify_model
from calovision.training.monitoring import quiet_lightning

BATCH = 64
FOUR = ("quark", "gluon", "w", "top")
N_IMAGES = {"small": 1024, "resnet": 1024, "nersc": 256, "hep_cnn": 768, "jet_cnn": 512}
"""Training images of a round: a second or two of most, seven of `hep_cnn`, which would be three
steps otherwise."""


def write_samples(folder: Path, n_images: int, *, classes: tuple[str, ...] = ()) -> ImageCollection:
    """A signal and a background file, or with ``classes`` two whose rows have these in turn; all
    but 64 events of each train, the others validate."""
    folder.mkdir(exist_ok=True)
    paths = []
    for label in (0, 1):
        n = n_images // 2 + 64
        towers, tracks = (
            make_towers(n, seed=SEED + label).records(),
            make_tracks(n, seed=SEED + label).records(),
        )
        images = build_sparse_images(towers, tracks, GRID, CHANNELS)[0]
        split = np.where(np.arange(n) < n_images // 2, 0, 1).astype(np.uint8)
        choices = {"label": label, "split": split, "classes": classes}
        paths.append(write_image_file(folder / f"{label}.h5", [images], **choices))
    return ImageCollection(paths)


def use_all_cores() -> None:
    """The harness gives other benchmarks one thread; training has the machine."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))


def options(network: str, **changes: object) -> TrainingOptions:
    """Two epochs, of which the second is timed: the first makes the kernels of the processor or
    GPU."""
    choices = {
        "network": network,
        "epochs": 2,
        "batch_size": BATCH,
        "seed": SEED,
        "patience": 2,
        "learning_rate": 1e-4,
    }
    return TrainingOptions(**(choices | changes))


def train(collection: ImageCollection, choices: TrainingOptions) -> float:
    """Seconds of the second epoch of a whole run, as its history has them."""
    use_all_cores()
    # the progress bar does its work, unseen
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        train_network(collection, Path(folder), choices, luminosity_fb=1.0)
        history = np.genfromtxt(Path(folder) / "history.csv", delimiter=",", names=True)
    return _n_training(collection) / float(history["images_per_s"][1])


def train_silently(collection: ImageCollection, choices: TrainingOptions) -> float:
    """The same without progress bar, TensorBoard, history and checkpoints."""
    use_all_cores()
    classifier = ImageClassifier(make_model(specify_model(collection, choices)), choices)
    with quiet_lightning():
        trainer = lightning.Trainer(
            max_epochs=2,
            logger=False,
            enable_progress_bar=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            precision=choices.lightning_precision(),
        )
        trainer.fit(classifier, datamodule=ImageData(collection, choices, luminosity_fb=1.0))
    return _n_training(collection) / classifier.history[1]["images_per_s"]


def train_on_device(collection: ImageCollection, choices: TrainingOptions) -> float:
    """Seconds of as many steps on one batch that is there already, without Lightning."""
    use_all_cores()
    device = torch.device("cuda" if choices.on_gpu else "cpu")
    model = make_model(specify_model(collection, choices)).to(
        device, memory_format=torch.channels_last
    )
    optimizer = torch.optim.Adam(
        model.parameters(), lr=choices.learning_rate, fused=True
    )  # as the training does
    batch = next(iter(ImageLoader(collection, np.arange(BATCH), batch_size=BATCH))).to(device)
    images = batch.dense().contiguous(memory_format=torch.channels_last)
    bf16 = choices.lightning_precision() == "bf16-mixed"

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss = nn.functional.binary_cross_entropy_with_logits(
                model(images).float(), batch.labels, weight=batch.weights
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return _time(step, _n_training(collection) // BATCH, device)


def train_as_everybody(collection: ImageCollection, dense: Path, choices: TrainingOptions) -> float:
    """Seconds of an epoch of the loop that everybody writes, after one step to warm up."""
    use_all_cores()
    device = torch.device("cuda" if choices.on_gpu else "cpu")
    model = make_model(specify_model(collection, choices)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=choices.learning_rate)
    loader = DataLoader(DenseImages(dense), batch_size=BATCH, shuffle=True, drop_last=True)

    def epoch() -> None:
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(
                model(images.to(device)), labels.to(device)
            )
            loss.backward()
            optimizer.step()

    return _time(epoch, 1, device)


class DenseImages(Dataset):
    """Images of a dense HDF5 file, read one by one."""

    def __init__(self, path: Path) -> None:
        self.images = h5py.File(path)["images"]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(self.images[index]), torch.tensor(float(index % 2))


def _time(work: Callable[[], None], n: int, device: torch.device) -> float:
    work()
    _wait(device)
    start = perf_counter()
    for _ in range(n):
        work()
    _wait(device)
    return perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _n_training(collection: ImageCollection) -> int:
    return int(np.sum(collection.column("split") == 0)) // BATCH * BATCH


def train_benchmark(network: str) -> Callable[[Settings], Benchmark]:
    """The benchmark of one network."""

    def benchmark(settings: Settings) -> Benchmark:
        collection = write_samples(settings.scratch / network, _size(settings, network))
        choices = options(network)
        methods = {
            "calovision": lambda: train(collection, choices),
            "on_device": lambda: train_on_device(collection, choices),
        }
        peers = {}
        if network == "small":
            dense = write_dense_file(
                settings.scratch / "dense.h5",
                collection.dense(np.flatnonzero(collection.column("split") == 0)),
                {"compression": "gzip", "compression_opts": 4},
            )
            peers["everybody"] = lambda: train_as_everybody(collection, dense, choices)
        return Benchmark(
            title=f"an epoch of {network}, 64x64x3, batches of {BATCH}, "
            f"{choices.lightning_precision()}",
            n_events=_n_training(collection),
            methods=methods,
            bars=(TimeRatio("on_device", "calovision", at_least=0.93),),
            peers=peers,
            measure_values=lambda: _gpu_values(collection, choices),
            self_timed=True,
        )

    return benchmark


def _size(settings: Settings, network: str) -> int:
    return max(BATCH, min(N_IMAGES[network], settings.n_events // BATCH * BATCH))


def _gpu_values(
    collection: ImageCollection, choices: TrainingOptions
) -> dict[str, dict[str, float]]:
    """Memory and utilization of the GPU, if there is one."""
    if not choices.on_gpu:
        return {}
    torch.cuda.reset_peak_memory_stats()
    train(collection, choices)
    values = {"memory_gb": torch.cuda.max_memory_allocated() / 1e9}
    with contextlib.suppress(ImportError, RuntimeError):  # needs nvidia-ml-py
        values["utilization_percent"] = float(torch.cuda.utilization())
    return {"calovision": values}


def train_extras(settings: Settings) -> Benchmark:
    """What augmentation, logging and more classes cost."""
    n_images = _size(settings, "small")
    collection = write_samples(settings.scratch / "extras", n_images)
    four = write_samples(settings.scratch / "classes", n_images, classes=FOUR)
    plain, turned = options("small", augmentation=False), options("small")
    return Benchmark(
        title="small without augmentation, without any logging, with all, and of four classes",
        n_events=_n_training(collection),
        methods={
            "with_all": lambda: train(collection, turned),
            "without_augmentation": lambda: train(collection, plain),
            "without_logging": lambda: train_silently(collection, turned),
            "four_classes": lambda: train(four, turned),
        },
        bars=(
            TimeRatio("with_all", "without_augmentation", at_most=1.05),
            TimeRatio("with_all", "without_logging", at_most=1.03),
            TimeRatio("four_classes", "with_all", at_most=1.03),
        ),
        self_timed=True,
    )


def read_batches(settings: Settings) -> Benchmark:
    """Batches in random order as the training reads them: sparse rows, and these made dense on the
    CPU, against copies of dense images in memory."""
    collection = write_samples(settings.scratch / "reading", settings.n_events)
    indices = np.arange(len(collection))
    weights = np.ones(len(indices))

    def epoch(*, dense: bool, **choices: object) -> None:
        out = np.empty((256, *collection.metadata.image_shape), dtype=np.float32)
        target = torch.from_numpy(out)
        for batch in ImageLoader(
            collection, indices, weights=weights, batch_size=256, shuffle=True, **choices
        ):
            if dense:
                batch.dense(out=target[: len(batch)])

    images, rng = collection.dense(indices), np.random.default_rng(SEED)

    def from_memory() -> None:
        order = rng.permutation(len(indices))
        for first in range(0, len(order) // 256 * 256, 256):
            images[order[first : first + 256]]

    return Benchmark(
        title="batches of 256 images 64x64x3 in random order",
        n_events=len(indices) // 256 * 256,
        methods={
            "sparse": lambda: epoch(dense=False),
            "dense": lambda: epoch(dense=True),
            "dense_turned": lambda: epoch(dense=True, augmentation=True),
            "dense_in_ram": from_memory,
        },
        bars=(TimeRatio("dense_in_ram", "sparse", at_least=3),),
    )
