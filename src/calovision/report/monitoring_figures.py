"""Figures of runs that are watched: the reference, flagged towers, what the methods find."""

from calovision.report.figure import ReportFigure

_PLOTS = "calovision.plotting.monitoring:"

MONITORING = (
    ReportFigure(
        name="flagged_towers",
        title="Flagged towers against the run",
        caption="""
        Towers that each method flags, run by run. Red bands are runs with an alarm, gray ones with
        known faults only; of runs in yellow nothing can be said.""",
        section="answer",
        rule="plot_monitoring",
        draw=f"{_PLOTS}plot_flagged_towers",
        takes="runs states n_towers titles",
    ),
    ReportFigure(
        name="reference",
        title="Reference of the good runs",
        caption="""
        Share of the events of the good runs with a hit in the cell, and mean value of the cell. A
        white cell never has a hit: whether it is dead cannot be told from other runs.""",
        section="runs",
        rule="plot_monitoring",
        draw=f"{_PLOTS}plot_reference",
        takes="rate mean eta_edges channels",
    ),
    ReportFigure(
        name="false_discoveries",
        title="False discoveries at 99 % detection",
        caption="""
        Share of the flagged towers that are sound, at the threshold that flags 99 % of the faulty
        ones (arXiv:2309.10157), with 68 % intervals of a bootstrap over runs; an arrow is the 68 %
        upper limit where no sound tower was flagged. Half of the runs hold the fault, at a place of
        its own each.""",
        section="detection",
        rule="plot_monitoring",
        draw=f"{_PLOTS}plot_false_discoveries",
        takes="figures",
        needs="has_study",
    ),
    ReportFigure(
        name="fault_roc",
        title="ROC curves of towers",
        caption="""
        Share of the faulty towers that are flagged against that of the sound ones, for the smallest
        strength of each fault.""",
        section="detection",
        rule="plot_monitoring",
        draw=f"{_PLOTS}plot_fault_roc",
        takes="figures",
        needs="has_study",
    ),
)
