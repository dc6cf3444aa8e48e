"""Arrays that images are written into, the caller's or new ones."""

import numpy as np

from calovision.core.errors import InputError

MOST_THREADS = 256  # more only cost memory


def new_images(shape: tuple[int, ...]) -> np.ndarray:
    """Make images to be filled; InputError where the memory does not hold them."""
    try:
        return np.empty(shape, dtype=np.float32)
    except (MemoryError, ValueError) as error:
        raise InputError(
            f"images {shape}: the memory does not hold them; give fewer events or cells"
        ) from error


def checked_out(out: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Plain array with the memory of ``out``; InputError unless kernels can fill it with images of
    a shape.
    """
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise InputError(
            f"out is {type(out).__name__}: it must be a numpy array, float32 {shape}, C-contiguous"
        )
    if out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise InputError(
            f"out is {out.dtype} {out.shape}: it must be float32 {shape}, C-contiguous"
        )
    if not out.flags.writeable or not out.flags.aligned:
        raise InputError("out is read-only or not aligned: give an array that can be written")
    return out.view(np.ndarray)
