"""Tasks of the workflow: what a run is for, which decides its rules, sections and results."""

SEARCH = "search"
"""Signal and background of events, compared with the cuts of a search."""

TAGGING = "tagging"
"""Classes of jets, or more than two of events, compared with cuts and variables."""

REGRESSION = "regression"
"""A number of each row, as the energy of a shower, in place of its class."""

MONITORING = "monitoring"
"""Runs of a detector, watched tower by tower."""

TASKS = (SEARCH, TAGGING, REGRESSION, MONITORING)

NETWORK_TASKS = (SEARCH, TAGGING, REGRESSION)
"""Tasks whose networks look at the image of each row."""
