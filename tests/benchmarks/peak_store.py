"""Reads shuffled batches of image files and a part of them in order; prints the resident memory
after the imports, the largest one, and the number of images read.
"""

import sys
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.peak_memory import memory
from benchmarks.store import believe
from calovision.datasets import ImageLoader
from calovision.storage import ImageCollection

N_BATCHES = 100
BATCH = 256
IN_ORDER = 200_000

if __name__ == "__main__":
    imports = memory("VmRSS")
    collection = ImageCollection(map(Path, sys.argv[1:]))
    for file in collection.files:
        believe(file)
    loader = ImageLoader(
        collection, np.arange(len(collection)), batch_size=BATCH, shuffle=True, augmentation=True
    )
    n_read = sum(len(batch.dense()) for batch in islice(loader, N_BATCHES))
    del loader
    n_read += sum(
        len(images) for _, images in collection.iterate(np.arange(len(collection))[-IN_ORDER:])
    )
    print(imports, memory("VmHWM"), n_read)
