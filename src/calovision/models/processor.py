"""Use of the processor that a network runs on: its arithmetic and the memory of its steps."""

import ctypes
import sys

# of mallopt in glibc's malloc.h
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
KEPT_BYTES = 1 << 30
"""Blocks up to this size, and as much at the end of the heap, are not given back."""


def has_native_bf16(*, on_gpu: bool) -> bool:
    """Test whether the device has instructions for bfloat16 (of processors AVX-512 BF16, AMX);
    emulated, it is slow.

    Parameters
    ----------
    on_gpu
        Ask the GPU, not the processor.
    """
    import torch  # not for whom only keeps the memory

    if on_gpu:
        return torch.cuda.is_bf16_supported()
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, where its C library is glibc; elsewhere do
    nothing.

    Otherwise glibc returns the large tensors of a step to the system, which has to clear each of
    their pages for the next step. Threads that start later share one heap, since those
    that glibc gives to each hold no large tensor. The largest memory of a process stays the same.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_ARENA_MAX, 1)
