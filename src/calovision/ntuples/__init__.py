"""ROOT ntuples to events, in chunks of bounded memory.

GeV, radians. What a file says is handed on as it is, in the number type of the file: towers and
tracks are unsorted; float32(pi) exceeds pi, so that phi may lie a rounding outside [-pi, pi);
values that are not finite pass.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "candidate_weights": ("pt_ratios",),
        "chunks": ("clipped",),
        "constituent_check": ("ConstituentCheck",),
        "counts": ("count_files", "cut_into_jobs"),
        "detection": ("FileDescription", "TreeDescription", "count_entries"),
        "events": ("Events", "NtupleInfo"),
        "ntuple": ("Ntuple", "describe_file", "iterate_events", "open_ntuple"),
        "paths": ("expand_paths", "list_files"),
        "schemas": ("SCHEMAS",),
        "shared_files": ("SampleFiles", "check_shared_files"),
    },
)
