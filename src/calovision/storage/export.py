"""Image files as an ordinary dense HDF5 file, which any HDF5 reader opens."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced
from calovision.storage.collection import ImageCollection
from calovision.storage.hdf5 import NewFile, created
from calovision.storage.merge import merge_metadata

DENSE_FORMAT, DENSE_VERSION = "calovision-dense", 1
EXPORTED = "file of exported images"
BLOCK_BYTES = 2**26  # of dense images in memory at a time
DENSE_COMPRESSIONS = ("gzip", "lzf", "lz4", "blosc2")


def export_dense(
    paths: Path | Sequence[Path],
    output: Path,
    *,
    compression: str | None = "gzip",
    level: int = 4,
    chunk: int = 1,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the images as one chunked data set ``images`` ``(n, channel, eta, phi)`` float32, and
    the columns.

    Parameters
    ----------
    paths
        One image file or several; columns that not all of them have are left out.
    output
        The file to write; complete or not there.
    compression
        "gzip" and "lzf", which every HDF5 reader knows, "lz4" and "blosc2", which need its plugins,
        or None.
    level
        Of gzip, 1 (fast) to 9 (small).
    chunk
        Images in a chunk; larger than 1 only for readers that do not shuffle.
    progress
        Called with the number of images of each block that is done.

    Returns
    -------
    Number of images.

    Raises
    ------
    InputError
        If an image file cannot be read, they do not belong together, or an option is not possible.
    """
    options = _compression_options(compression, level)
    if chunk < 1:
        raise InputError(f"chunk {chunk}: at least one image must be in a chunk")
    collection = ImageCollection([paths] if isinstance(paths, str | Path) else paths)
    shape = collection.metadata.image_shape
    block = max(chunk, BLOCK_BYTES // (4 * int(np.prod(shape))) // chunk * chunk)
    with replaced(output) as temporary, created(temporary, for_others=True) as file:
        _write_attributes(file, collection)
        _write_columns(file, collection)
        chunks = (min(chunk, max(len(collection), 1)), *shape)
        images = file.growing("images", shape, np.float32, chunks=chunks, **options)
        for dense in _blocks(collection, max(block, 1)):
            images.append(dense)
            file.require_written()
            if progress is not None:
                progress(len(dense))
    return len(collection)


def _blocks(collection: ImageCollection, size: int) -> Iterator[np.ndarray]:
    """Dense images of one block of a file after the other, in one array that is used again."""
    out = np.empty((min(size, len(collection)), *collection.metadata.image_shape), dtype=np.float32)
    for file in collection.files:
        for rows, images in file.iterate(size):
            yield images.dense(out[: len(rows)])


def _write_attributes(file: NewFile, collection: ImageCollection) -> None:
    """Attributes of the image file; what differs between samples becomes a list, as the columns of
    samples have it.
    """
    infos = [
        merge_metadata([part.metadata for part in collection.of_sample(name)])
        for name in collection.samples
    ]
    attributes = infos[0].to_attributes() | {"format": DENSE_FORMAT, "version": DENSE_VERSION}
    file.attrs.update(attributes)
    file.attrs["sample"] = ", ".join(collection.samples)
    for name in ("label", "cross_section_pb", "n_generated", "sum_of_weights"):
        values = [getattr(info, name) for info in infos]
        file.attrs[name] = values[0] if len(infos) == 1 else values
    groups = [info.split_group for info in infos]
    if len(infos) > 1 and any(groups):
        file.attrs["split_group"] = groups
    if len(infos) > 1:
        del file.attrs["cut_flow"]


def _write_columns(file: NewFile, collection: ImageCollection) -> None:
    """Columns that all files have, and the name of the sample."""
    first = collection.files[0].events
    for name in first:
        if all(name in other.events for other in collection.files):
            file.create_dataset(f"events/{name}", data=collection.column(name))
    file.write("events/sample", collection.sample_names())


def _compression_options(compression: str | None, level: int) -> dict:
    if compression is None:
        return {}
    if compression not in DENSE_COMPRESSIONS:
        raise InputError(
            f"compression '{compression}' is unknown: choose from {', '.join(DENSE_COMPRESSIONS)}, "
            "or none"
        )
    if compression == "gzip":
        if level not in range(1, 10):
            raise InputError(f"level {level}: gzip has the levels 1 to 9")
        return {"compression": "gzip", "compression_opts": level}
    if compression == "lzf":
        return {"compression": "lzf"}
    import hdf5plugin  # loaded only by those who use its filters

    return dict(
        hdf5plugin.LZ4() if compression == "lz4" else hdf5plugin.Blosc2(cname="zstd", clevel=1)
    )
