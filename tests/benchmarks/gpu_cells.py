"""A cell of the check of a GPU: steps of a training, as Lightning makes them, for some seconds."""

import time
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from benchmarks.data import CHANNELS, SEED
from calovision import EtaPhiGrid, ImageRecipe
from calovision.conversion import convert_ntuple
from calovision.models import make_model
from calovision.scoring import score_images
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions
from calovision.training.classifier import ImageClassifier
from calovision.training.data import ImageData, specify_model
from calovision.training.monitoring import quiet_lightning

WARM_UP = 3  # steps; compilation falls into them
EPOCH = 32_768  # images of an epoch, so that its beginning is rare
COMPARED = 32  # images whose scores are compared
SECONDS_BETWEEN_SAMPLES = 0.1


class Clock(Callback):
    """Times of the steps, and the time between them, until some seconds are over."""

    def __init__(self, seconds: float, *, on_gpu: bool) -> None:
        self.seconds, self.on_gpu = seconds, on_gpu
        self.began: float | None = None
        self.marks: list[tuple[object, object]] = []
        self.utilization: list[float] = []
        self.no_utilization = None if on_gpu else "only of a GPU"
        self._start: object = None
        self._sampled = 0.0

    def on_train_batch_start(self, *_: object) -> None:
        """The batch lies on the device."""
        self._start = self._mark()

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        """The step is queued."""
        self.marks.append((self._start, self._mark()))
        now = time.perf_counter()
        if len(self.marks) == WARM_UP and self.began is None:
            self._wait()
            self.marks, self.began = self.marks[-1:], time.perf_counter()
        elif self.began is not None:
            self._sample(now)
            trainer.should_stop = now - self.began > self.seconds

    def numbers(self, batch_size: int) -> dict[str, float]:
        """Images/s and the share of the time between steps, of all steps after the first mark."""
        self._wait()
        pairs = list(zip(self.marks, self.marks[1:], strict=False))
        waited = sum(self._between(before[1], after[0]) for before, after in pairs)
        total = self._between(self.marks[0][1], self.marks[-1][1])
        return {"images_per_s": batch_size * len(pairs) / total, "waiting_share": waited / total}

    def _mark(self) -> object:
        if not self.on_gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _between(self, first: object, second: object) -> float:
        return first.elapsed_time(second) / 1000 if self.on_gpu else second - first

    def _wait(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize()

    def _sample(self, now: float) -> None:
        if self.no_utilization or now - self._sampled < SECONDS_BETWEEN_SAMPLES:
            return
        self._sampled = now
        try:
            self.utilization.append(float(torch.cuda.utilization()))
        except Exception as error:  # no nvidia-ml-py, or NVML that does not tell, as with MIG
            self.no_utilization = f"{type(error).__name__}: {error}"[:200]


def measure_cell(cell: dict, device: str, folder: Path, *, n_images: int, seconds: float) -> dict:
    """The cell with its numbers."""
    on_gpu = device == "cuda"
    collection = image_files(folder, cell["size"], n_images)
    batch_size = min(cell["batch_size"], n_images // 2)
    options = TrainingOptions(
        network=cell["network"],
        batch_size=batch_size,
        seed=SEED,
        schedule="constant",
        learning_rate=1e-4,
        device="gpu" if on_gpu else "cpu",
        precision="fp32" if cell["mode"] == "fp32" else "bf16",
        compile=cell["mode"] == "compile",
    )
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    classifier = ImageClassifier(make_model(specify_model(collection, options)), options)
    clock = Clock(seconds, on_gpu=on_gpu)
    fit(classifier, collection, options, clock)
    found = clock.numbers(batch_size) | {"batch_size": batch_size}
    reasons = {}
    if on_gpu:
        found["memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
    else:
        reasons["memory_gb"] = "only of a GPU"
    if clock.utilization:
        found["utilization_percent"] = float(np.mean(clock.utilization))
    else:
        reasons["utilization_percent"] = clock.no_utilization or "no step was sampled"
    found["score_difference"] = score_difference(classifier, collection, options)
    found["agrees"] = found["score_difference"] <= 1e-3
    return cell | found | {"reasons": reasons}


def image_files(folder: Path, size: int, n_images: int) -> ImageCollection:
    """A signal and a background file of a size, made once."""
    from benchmarks.root_files import write_root_file

    paths = [folder / f"{size}_{label}.h5" for label in (0, 1)]
    recipe = ImageRecipe(
        grid=EtaPhiGrid(size, size), channels=CHANNELS, cluster_jets=False, preselection={}
    )
    for label, path in enumerate(paths):
        if not path.exists():
            root = write_root_file(path.with_suffix(".root"), n_images // 2)
            convert_ntuple(root, path, recipe, sample=f"bench{label}", label=label)
    return ImageCollection(paths)


def fit(
    classifier: ImageClassifier, collection: ImageCollection, options: TrainingOptions, clock: Clock
) -> None:
    """Steps of the training without validation, files and pictures, until the clock ends them."""
    data = ImageData(collection, options, luminosity_fb=1.0)
    repeats = -(-EPOCH // len(data.indices["train"])) if options.on_gpu else 50
    for part in (data.indices, data.weights):
        part["train"] = np.tile(part["train"], repeats)
    with quiet_lightning():
        trainer = lightning.Trainer(
            accelerator="gpu" if options.on_gpu else "cpu",
            devices=1,
            max_epochs=1000,
            limit_val_batches=0,
            logger=False,
            enable_progress_bar=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            precision=options.lightning_precision(),
            callbacks=[clock],
        )
        trainer.fit(classifier, datamodule=data)


def score_difference(
    classifier: ImageClassifier, collection: ImageCollection, options: TrainingOptions
) -> float:
    """Largest difference of scores between the device and the CPU, float32 and not compiled."""
    model = make_model(specify_model(collection, options))
    model.load_state_dict(classifier.model.state_dict())
    images = collection.dense(np.arange(min(COMPARED, len(collection))))
    device = "gpu" if options.on_gpu else "cpu"
    scores = [score_images(model, images, device=name) for name in (device, "cpu")]
    return float(np.max(np.abs(scores[0] - scores[1])))
