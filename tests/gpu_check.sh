#!/usr/bin/env bash
# Training on the GPU of this machine within eight minutes: tests, speed, memory, waiting for data, scores against the CPU,
# in results/gpu_check.json. `tests/gpu_check.sh --device cpu --quick` tries it without a GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
PYTHONPATH="src:tests${PYTHONPATH:+:$PYTHONPATH}" exec "$python" -m benchmarks.gpu_check "$@"
