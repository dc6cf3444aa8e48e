"""Compare networks with the cuts and the jet variables of a search, and with each other, on the test split."""

from calovision.evaluation.models import compare_models, ensemble_scores, models_table
from calovision.evaluation.records import read_history, read_model_numbers, read_runs, training_record
from calovision.evaluation.summary import (
    CLASSIFIERS,
    format_efficiency,
    split_indices,
    summarize,
    summary_table,
    tabulate_test_events,
)

__all__ = [
    "CLASSIFIERS",
    "compare_models",
    "ensemble_scores",
    "format_efficiency",
    "models_table",
    "read_history",
    "read_model_numbers",
    "read_runs",
    "split_indices",
    "summarize",
    "summary_table",
    "tabulate_test_events",
    "training_record",
]
