"""Variables of jets, computed from their constituents.

GeV and radians. `JET_VARIABLES` names them; its module imports nothing heavy, since the
configuration asks for the names.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "columns": ("jet_substructure", "substructure_columns"),
        "variables": ("JET_MOMENTUM", "JET_VARIABLES", "JetVariable"),
    },
)
