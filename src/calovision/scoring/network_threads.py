"""Networks that score batches in threads of their own, beside the conversion that makes the next
images.

One network whose operations are shared by all cores waits at the end of each operation for the
slowest core, and spins while it waits: beside a conversion, which needs a core too, most of the
time went into waiting. Batches side by side need not wait for one another.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch

from calovision.images import SparseImages
from calovision.models import ImageModel
from calovision.scoring.evaluation import choose_device
from calovision.scoring.scores import SCORING_BATCH, score_images

BEHIND = 5  # so much nicer than the conversion, for whose images the networks would wait in the end
MOST_THREADS = 4  # each with the activations of a batch in memory; cores beyond share operations

Networks = Sequence[ImageModel]
Logits = Callable[[], np.ndarray]
Start = Callable[[SparseImages, np.ndarray | None], Logits]


@contextmanager
def network_threads(
    models: Networks, scoring: Mapping[str, Any], n_processes: int = 1
) -> Iterator[Start]:
    """Give a function that starts to score images, and returns one that waits for their scores,
    float64 ``(n_images, n_models)``, or of more than two classes ``(n_images, n_models,
    n_classes)``.

    Parameters
    ----------
    models
        Networks, on their device. Each thread has copies of its own, since a network is put into
        the mode of evaluation and back.
    scoring
        As the keywords of `score_images`. The images of a call are scored in the same batches as
        by `score_images`, so that the logits are the same for any number of threads.
    n_processes
        Processes that share the cores of this machine.
    """
    cores = max(torch.get_num_threads() // n_processes, 1)
    on_cpu = choose_device(scoring.get("device", "auto")).type == "cpu"
    n_threads = min(cores, MOST_THREADS) if on_cpu else 1
    free: SimpleQueue[Networks] = SimpleQueue()
    for number in range(n_threads):
        free.put(models if number == 0 else deepcopy(models))

    def score(images: SparseImages, variables: np.ndarray | None) -> np.ndarray:
        own = free.get()
        try:
            logits = [score_images(model, images, variables, **scoring) for model in own]
        finally:
            free.put(own)
        return np.stack(logits, axis=1)

    def start(images: SparseImages, variables: np.ndarray | None) -> Logits:
        size = scoring.get("batch_size", SCORING_BATCH) if on_cpu else max(len(images), 1)
        parts: list[Future] = [
            pool.submit(
                score,
                images.part(first, min(first + size, len(images))),
                None if variables is None else variables[first : first + size],
            )
            for first in range(0, len(images), size)
        ]
        n_outputs = models[0].specification.n_outputs
        nothing = np.zeros((0, len(models), *([n_outputs] if n_outputs > 1 else [])))
        return lambda: np.concatenate([nothing, *(part.result() for part in parts)])

    with _threads_of_torch(cores // n_threads) as set_threads:
        pool = ThreadPoolExecutor(n_threads, initializer=set_threads)
        try:
            yield start
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _threads_of_torch(number: int) -> Iterator[Callable[[], None]]:
    """So many threads for each operation of torch, and the function that says so in a new thread,
    which torch's libraries ask for themselves.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield lambda: _prepare_thread(number)
    finally:
        torch.set_num_threads(before)


def _prepare_thread(n_threads_of_torch: int) -> None:
    torch.set_num_threads(n_threads_of_torch)
    if sys.platform == "linux":  # where each thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND)
