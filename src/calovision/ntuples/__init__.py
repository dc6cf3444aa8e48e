"""ROOT ntuples to events, in chunks of bounded memory.

GeV, radians. What a file says is handed on as it is, in the number type of the file: towers and
tracks are unsorted; float32(pi) exceeds pi, so that phi may lie a rounding outside [-pi, pi);
values that are not finite pass.
"""

from calovision.ntuples.constituent_check import ConstituentCheck
from calovision.ntuples.counts import count_files, cut_into_jobs
from calovision.ntuples.detection import (
    FileDescription,
    TreeDescription,
    count_entries,
    describe_file,
)
from calovision.ntuples.events import Events, NtupleInfo
from calovision.ntuples.layouts import SCHEMAS
from calovision.ntuples.paths import expand_paths, list_files
from calovision.ntuples.reader import clipped, iterate_events, open_ntuple
from calovision.ntuples.shared_files import SampleFiles, check_shared_files

__all__ = [
    "SCHEMAS",
    "ConstituentCheck",
    "Events",
    "FileDescription",
    "NtupleInfo",
    "SampleFiles",
    "TreeDescription",
    "check_shared_files",
    "clipped",
    "count_entries",
    "count_files",
    "cut_into_jobs",
    "describe_file",
    "expand_paths",
    "iterate_events",
    "list_files",
    "open_ntuple",
]
