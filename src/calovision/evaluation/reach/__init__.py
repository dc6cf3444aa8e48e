"""Expected significance and upper limits of a search, for cuts and for classifiers.

Events are expected events at the luminosity, cross-sections are in pb, masses in GeV;
``background_uncertainty`` is relative (0.2 = 20 %).
"""

from calovision.evaluation.reach.bins import SearchBins, choose_edges, choose_threshold, fill_bins
from calovision.evaluation.reach.masses import SignalPoint, reach_against_mass
from calovision.evaluation.reach.search import ExpectedEvents, SearchOptions, search_reach
from calovision.evaluation.reach.significance import asimov_significance
from calovision.evaluation.reach.statistics import Limit, expected_limit, expected_significance

__all__ = [
    "ExpectedEvents",
    "Limit",
    "SearchBins",
    "SearchOptions",
    "SignalPoint",
    "asimov_significance",
    "choose_edges",
    "choose_threshold",
    "expected_limit",
    "expected_significance",
    "fill_bins",
    "reach_against_mass",
    "search_reach",
]
