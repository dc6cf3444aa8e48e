"""What a search expects to see or to exclude: significance and upper limits for cuts and for
classifiers.

Events are expected events at the luminosity, cross-sections are in pb, masses in GeV;
``background_uncertainty`` is relative (0.2 = 20 %).
"""

from calovision.evaluation.reach.bins import SearchBins, choose_edges, choose_threshold, fill_bins
from calovision.evaluation.reach.masses import reach_against_mass
from calovision.evaluation.reach.search import search_reach
from calovision.evaluation.reach.significance import asimov_significance
from calovision.evaluation.reach.statistics import Limit, expected_limit, expected_significance

__all__ = [
    "Limit",
    "SearchBins",
    "asimov_significance",
    "choose_edges",
    "choose_threshold",
    "expected_limit",
    "expected_significance",
    "fill_bins",
    "reach_against_mass",
    "search_reach",
]
