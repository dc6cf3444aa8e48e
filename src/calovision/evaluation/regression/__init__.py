"""Predictions of a target compared: networks, the calibrated sum of the image, boosted trees.

Predictions and true values are ``(n,)`` in the unit of the target. Weights are those of the rows
(`calovision.evaluation.tagging.tables.row_weights`), of both signs.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "comparison": ("RegressionRows", "compare_regressors"),
        "opponents": ("BOOSTING", "SUM", "fit_opponents"),
        "resolution_fit": ("fit_resolution",),
    },
)
