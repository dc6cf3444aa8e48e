"""Figures of the report, an entry each, in the order of the report.

Those of the performance are in `calovision.report.performance_figures`. Another package adds a
figure with an entry point of the group ``calovision.figures``, whose object is a `ReportFigure`
with the name of the entry point.
"""

from calovision.core.registry import Registry
from calovision.report.figure import ReportFigure
from calovision.report.monitoring_figures import MONITORING
from calovision.report.performance_figures import PERFORMANCE
from calovision.report.regression_figures import REGRESSION
from calovision.report.tagging_figures import CLASS_IMAGES, TAGGERS

_EVENT = "image eta_edges channels fat_jets radius title"

FIGURES = Registry(
    "figure",
    ReportFigure,
    [
        ReportFigure(
            name="cut_flow",
            title="Cut flow",
            caption="""
            Share of the generated events, weighted, that is left after each cut of the
            preselection.{% if not is_tagging and not is_regression %} The signal should lose
            little, and the background much.{% endif %}""",
            section="selection",
            rule="plot_cut_flow",
            draw="calovision.plotting.samples:plot_cut_flow",
            takes="cut_flows names=titles",
            needs="has_preselection",
        ),
        ReportFigure(
            name="jet_cut_flow",
            title="Cut flow of the jets",
            caption="""
            Share of the jets that were looked at, weighted, that is left after each cut on
            jets.""",
            section="selection",
            rule="plot_cut_flow",
            draw="calovision.plotting.samples:plot_cut_flow",
            takes="cut_flows=jet_cut_flows names=titles first=first_of_jets",
            needs="has_jet_cuts",
        ),
        ReportFigure(
            name="mean_images",
            title="Mean images",
            caption="""
            Mean image of the preselected events of each class and channel, without centring or
            rotation. It must be uniform in phi, since the collisions are, and fall off in eta; a
            step at |eta| = {{ fat_jet_eta_max }} is where the fat jets of the selection end,
            whereas stripes or spots would be a fault of the detector or of the image builder.""",
            section="images",
            rule="plot_images",
            draw="calovision.plotting.images:plot_mean_images",
            takes="mean_images eta_edges channels",
        ),
        ReportFigure(
            name="event_display_signal",
            title="Event display: signal",
            caption="""
            A preselected signal event, a panel per channel. Circles are its leading fat jets;
            crosses mark those whose radius the file does not tell. phi is periodic, so that a jet
            at the upper edge goes on at the lower.""",
            section="images",
            rule="plot_images",
            draw="calovision.plotting.images:plot_event_display",
            takes=_EVENT,
            is_numbered=True,
        ),
        ReportFigure(
            name="event_display_background",
            title="Event display: background",
            caption="A preselected background event, drawn as those of the signal.",
            section="images",
            rule="plot_images",
            draw="calovision.plotting.images:plot_event_display",
            takes=_EVENT,
            is_numbered=True,
            is_detail=True,
        ),
        ReportFigure(
            name="learning_curves",
            title="Learning curves",
            caption="""
            Loss on the training and validation splits,
            {% if is_regression %}resolution and bias
            {%- elif classes | length > 2 %}macro AUC and rejection of all other classes at half of
            each{% else %}AUC and signal efficiency{% endif %} on the validation split after every
            epoch, a line per network; the star marks the lowest validation loss, whose epoch is the
            one used. A training loss that falls on while the validation loss rises means
            overfitting; both still falling at the end means that more epochs would help.""",
            section="training",
            rule="plot_training",
            draw="calovision.plotting.training:plot_learning_curves",
            takes="histories titles colors",
        ),
        *CLASS_IMAGES,
        *PERFORMANCE,
        *TAGGERS,
        *REGRESSION,
        ReportFigure(
            name="attributions",
            title="Integrated gradients",
            caption="""
            Integrated gradients (arXiv:1703.01365): what each cell adds to the logit, starting from
            an empty image; mean over events of each class, turned so that the leading fat jet is in
            the middle. Red cells speak for signal. Where a network takes the empty image for more
            like background than background itself, background adds up to more than zero, too.""",
            section="attention",
            rule="plot_attributions",
            draw="calovision.plotting.attribution:plot_attributions",
            takes="attributions eta_edges channels",
        ),
        ReportFigure(
            name="signal_like_background",
            title="Background with the highest output:",
            caption="""
            The background events that the network takes for signal most of all: what it has to
            learn to tell, or what is rare and looks like signal.""",
            section="attention",
            rule="plot_extreme_events",
            draw="calovision.plotting.images:plot_event_display",
            takes=_EVENT,
            is_numbered=True,
            is_detail=True,
        ),
        ReportFigure(
            name="background_like_signal",
            title="Signal with the lowest output:",
            caption="The signal events that the network takes for background most of all.",
            section="attention",
            rule="plot_extreme_events",
            draw="calovision.plotting.images:plot_event_display",
            takes=_EVENT,
            is_numbered=True,
            is_detail=True,
        ),
        ReportFigure(
            name="reach",
            title="Expected significance and limits",
            caption="""
            Expected significance of the signal and upper limit on its cross-section, for the cuts,
            for the best cut on each output and for its bins. Bars are 68 % intervals of a bootstrap
            over {% if n_folds %}all events ({{ n_folds }} folds){% else %}the test events
            {%- endif %}. An arrow marks a bound: no simulated background survives there, and
            the 68 % upper limit on it is used. Hollow marks are counted: so few
            events are expected that the asymptotic formulas are off by more than 10 %.""",
            section="reach",
            rule="plot_reach",
            draw="calovision.plotting.reach:plot_reach",
            takes="reach",
        ),
        ReportFigure(
            name="limits_against_mass",
            title="Limits against the mass",
            caption="""
            Expected upper limit on the cross-section against the mass of the signal, with the
            thresholds of the nominal mass, and the predicted cross-section: masses below the
            crossing can be excluded. Arrows and hollow marks as in the figure before.""",
            section="reach",
            rule="plot_reach",
            draw="calovision.plotting.limits:plot_limits_against_mass",
            takes="limits=limits_against_mass classifiers",
            needs="reach_samples",
        ),
        ReportFigure(
            name="robustness",
            title="Other detectors",
            caption="""
            Signal and background efficiency of thresholds fixed in the nominal detector, relative
            to it; a triangle on the frame says that a bar goes on. The cuts of the search move,
            too: what counts is whether the network moves more.""",
            section="robustness",
            rule="plot_robustness",
            draw="calovision.plotting.robustness:plot_robustness",
            takes="signal background",
            needs="variations",
        ),
        *MONITORING,
        ReportFigure(
            name="run_summary",
            title="Time and memory",
            caption="""
            Time of all jobs of each stage, in brackets their number, and the largest memory of one
            of them. CPU time above the wall time comes from jobs on several cores, wall time above
            the CPU time from waiting.""",
            section="run",
            rule="write_run_summary",
            draw="calovision.plotting.run_summary:plot_run_summary",
            takes="stages",
        ),
    ],
)
