"""Compare networks with the cuts and the jet variables of a search, and with each other, on the
test split.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "comparison": ("compare_with_cuts", "comparison_table"),
        "diagnostics": ("diagnose",),
        "models": ("compare_models", "ensemble_scores", "models_table"),
        "paired": ("Comparison", "bootstrap_roc", "compare_paired"),
        "records": ("read_history", "read_model_numbers", "read_runs", "training_record"),
        "robustness": ("efficiencies_of_variation", "robustness_table", "threshold_at"),
        "samples": ("cut_flow_table", "samples_table", "summarize_samples"),
        "shallow": ("score_shallow",),
        "signal_points": (
            "SignalPoint",
            "expected_events",
            "nominal_point",
            "only_cnn",
            "reach_table",
            "signal_point",
        ),
        "summary": (
            "CLASSIFIERS",
            "column_names",
            "format_efficiency",
            "split_indices",
            "summarize",
            "summary_table",
            "tabulate_events",
        ),
    },
)
