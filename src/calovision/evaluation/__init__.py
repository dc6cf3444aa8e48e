"""Compare networks with the cuts and the jet variables of a search, and with each other, on the
test split.
"""

from calovision.evaluation.comparison import compare_with_cuts, comparison_table
from calovision.evaluation.diagnostics import diagnose
from calovision.evaluation.models import compare_models, ensemble_scores, models_table
from calovision.evaluation.paired import Comparison, bootstrap_roc, compare_paired
from calovision.evaluation.records import (
    read_history,
    read_model_numbers,
    read_runs,
    training_record,
)
from calovision.evaluation.robustness import (
    efficiencies_of_variation,
    robustness_table,
    threshold_at,
)
from calovision.evaluation.samples import cut_flow_table, samples_table, summarize_samples
from calovision.evaluation.shallow import score_shallow
from calovision.evaluation.signal_points import (
    SignalPoint,
    expected_events,
    nominal_point,
    only_cnn,
    reach_table,
    signal_point,
)
from calovision.evaluation.summary import (
    CLASSIFIERS,
    column_names,
    format_efficiency,
    split_indices,
    summarize,
    summary_table,
    tabulate_events,
)

__all__ = [
    "CLASSIFIERS",
    "Comparison",
    "SignalPoint",
    "bootstrap_roc",
    "column_names",
    "compare_models",
    "compare_paired",
    "compare_with_cuts",
    "comparison_table",
    "cut_flow_table",
    "diagnose",
    "efficiencies_of_variation",
    "ensemble_scores",
    "expected_events",
    "format_efficiency",
    "models_table",
    "nominal_point",
    "only_cnn",
    "reach_table",
    "read_history",
    "read_model_numbers",
    "read_runs",
    "robustness_table",
    "samples_table",
    "score_shallow",
    "signal_point",
    "split_indices",
    "summarize",
    "summarize_samples",
    "summary_table",
    "tabulate_events",
    "threshold_at",
    "training_record",
]
