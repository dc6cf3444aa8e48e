"""Which arithmetic a device is quick in."""

import torch


def multiplies_bf16(*, on_gpu: bool) -> bool:
    """Whether the device has instructions for bfloat16 (of processors AVX-512 BF16, AMX); emulated,
    it is slow.
    """
    if on_gpu:
        return torch.cuda.is_bf16_supported()
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
