"""Compare networks with the cuts and the jet variables of a search, and with each other, on the
test split.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "comparison": ("compare_with_cuts",),
        "diagnostics": ("diagnose",),
        "events": ("CLASSIFIERS", "column_names", "split_indices", "tabulate_events"),
        "folds": ("ScoredEvents", "scored_events"),
        "models": ("compare_models", "ensemble_scores"),
        "paired": ("Comparison", "bootstrap_roc", "compare_paired"),
        "records": ("read_history", "read_model_numbers", "read_runs", "training_record"),
        "robustness": ("efficiencies_of_variation", "threshold_at"),
        "samples": ("summarize_samples",),
        "shallow": ("score_shallow",),
        "signal_points": ("expected_events", "nominal_point", "signal_point"),
        "summary": ("summarize",),
    },
)
