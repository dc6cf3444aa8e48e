"""Converts one file in a process that knows of no other."""

import sys
from pathlib import Path

from benchmarks.conversions import recipe
from calovision.conversion import convert_ntuple

if __name__ == "__main__":
    convert_ntuple(Path(sys.argv[1]), Path(sys.argv[2]), recipe(), sample="bench", label=0)
