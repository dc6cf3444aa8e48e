"""Figures of the predictions of a target."""

from calovision.report.figure import ReportFigure

_PLOTS = "calovision.plotting.regression:"

REGRESSION = (
    ReportFigure(
        name="prediction_against_truth",
        title="Prediction against truth",
        caption="""
        Predictions of the test rows against their true {{ target }}, a panel for each model and
        opponent, weighted; on the dashed line they are the same. A band that turns flat at an end
        is drawn towards the mean, where the training has no rows beyond.""",
        section="regression",
        rule="plot_regression",
        draw=f"{_PLOTS}plot_prediction_against_truth",
        takes="predictions truth weights title unit names",
    ),
    ReportFigure(
        name="target_calibration",
        title="Calibration",
        caption="""
        Bias in bins of the true value (left) and of the prediction (right): the median of the
        residuals, and in bins of the true value the band of their central 68 %. A network that
        predicts means is drawn towards them: its bias in truth rises at the lower end and falls at
        the upper one, while that in bins of the prediction stays at zero.""",
        section="regression",
        rule="plot_regression",
        draw=f"{_PLOTS}plot_target_calibration",
        takes="summary bands names",
    ),
    ReportFigure(
        name="target_resolution",
        title="Resolution",
        caption="""
        Half of the width of the central 68 % of the residuals in bins of the true value, with 68 %
        intervals of a bootstrap{% if has_fit %}; lines are a / √E ⊕ b ⊕ c / E, fitted{% endif %}.
        Below, its ratio to that of the calibrated sum of the image. What is drawn to the mean looks
        narrow within a bin of the true value, and is not: there look at the calibration and at
        the resolution of all rows together.""",
        section="answer",
        rule="plot_regression",
        draw=f"{_PLOTS}plot_target_resolution",
        takes="summary names",
    ),
    ReportFigure(
        name="target_residuals",
        title="Residuals",
        caption="""
        Distribution of the residuals, {% if is_relative %}prediction / truth - 1{% else
        %}prediction - truth{% endif %}, each normalised to 1; what is beyond the panel is in its
        outermost bins.""",
        section="regression",
        rule="plot_regression",
        draw=f"{_PLOTS}plot_target_residuals",
        takes="residuals weights is_relative unit names",
    ),
)
