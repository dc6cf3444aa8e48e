"""ROOT ntuples to events, in chunks of bounded memory.

GeV, radians, float64 (converted after reading). What a file says is handed on as it is: towers and tracks are unsorted;
float32(pi) exceeds pi, so that phi may lie a rounding outside [-pi, pi); values that are not finite pass.
"""

from calovision.ntuples.reader import Events, NtupleInfo, iterate_events, open_ntuple
from calovision.ntuples.schemas import SCHEMAS

__all__ = ["SCHEMAS", "Events", "NtupleInfo", "iterate_events", "open_ntuple"]
