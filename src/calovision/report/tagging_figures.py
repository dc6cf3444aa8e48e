"""Figures of taggers: images of the classes, and all numbers of their comparison."""

from calovision.report.figure import ReportFigure

_PLOTS = "calovision.plotting.tagging:"

CLASS_IMAGES = (
    ReportFigure(
        name="class_images",
        title="Mean images of the classes",
        caption="""
        Mean image of the rows of each class and channel{% if is_of_jets %}, around the axis of the
        jet{% endif %}, with one scale of colors for a channel. What differs between the columns is
        what a network can learn from the mean; a class with one prong more has a spot more, unless
        the recipe did not align the jets.""",
        section="images",
        rule="plot_class_images",
        draw=f"{_PLOTS}plot_class_images",
        takes="mean_images edges channels axes_titles",
    ),
    ReportFigure(
        name="single_images",
        title="Single images",
        caption="First rows of each class, the first channel. Empty cells are white.",
        section="images",
        rule="plot_class_images",
        draw=f"{_PLOTS}plot_jets_of_classes",
        takes="images=single_images edges channel axes_titles",
        is_detail=True,
    ),
)

TAGGERS = (
    ReportFigure(
        name="tagger_comparison",
        title="Classifiers",
        caption="""
        Macro AUC of each classifier, and its background rejections, with the 68 % intervals of a
        bootstrap over events and networks. The intervals of two classifiers go up and down
        together: the paired differences in the table tell whether one is better. An open marker
        with an arrow is a lower limit: no row of the background is left.""",
        section="taggers",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_tagger_models",
        takes="summary discriminants names",
    ),
    ReportFigure(
        name="tagger_roc",
        title="ROC curves",
        caption="""
        Background rejection against signal efficiency on the test rows, a panel for each
        discriminant, log(P of the signal / P of the background): the higher a curve, the better.
        The band is the 68 % interval of the first model. Points are cuts on a window of the mass
        and a ratio of N-subjettiness, found on the {% if n_folds %}rows of the other
        folds{% else %}validation rows{% endif %}; an arrow marks a lower limit. The dotted curve is
        the single variable that was best on the validation rows.""",
        section="answer",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_tagger_roc",
        takes="curves discriminants names cuts variables=best_variables bands",
    ),
    ReportFigure(
        name="pair_roc",
        title="Each class against each other",
        caption="""
        Background rejection of the first model, a panel for each signal class, a curve for each
        background class, by log(P of the signal / P of the background).""",
        section="taggers",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_pair_roc",
        takes="curves=pair_curves titles colors",
        needs="has_many_classes",
        is_detail=True,
    ),
    ReportFigure(
        name="pair_rejections",
        title="Rejection of each class by each other",
        caption="""
        Rejection of the background class of a column at one efficiency of the signal class of a
        row. Which classes look alike is seen at once. A `>` marks a lower limit, where no row of
        the background is left.""",
        section="taggers",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_pair_rejections",
        takes="rejections=pair_rejections titles names signal_efficiency",
        needs="has_many_classes",
    ),
    ReportFigure(
        name="confusion",
        title="Confusion",
        caption="""
        Shares of the predicted class, the most probable one, in each true class (rows add up to 1),
        and of the true class in each predicted one (columns add up to 1), for classes of equal
        shares.""",
        section="taggers",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_confusion",
        takes="confusion titles names",
    ),
    ReportFigure(
        name="class_outputs",
        title="Discriminants of the first model",
        caption="""
        Distribution of each discriminant for the rows of each class; values beyond the panel are in
        its outermost bins.""",
        section="taggers",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_class_outputs",
        takes="outputs labels weights titles colors discriminants",
    ),
    ReportFigure(
        name="class_calibration",
        title="Calibration of the classes",
        caption="""
        Share of a class among the rows with a predicted probability of it, for classes of equal
        shares, with 68 % intervals. A curve below the diagonal at the right is too sure of itself.
        Discriminants and ROC curves need the order alone; mixtures of classes need probabilities
        that are right.""",
        section="taggers",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_class_calibration",
        takes="calibration titles names",
        is_detail=True,
    ),
    ReportFigure(
        name="class_variables",
        title="Variables of the classes",
        caption="""
        Distribution of each variable for the rows of each class; values beyond the panel are in its
        outermost bins. A variable with the same value in all rows is left out. Where training and
        test jets differ in the transverse momentum of their classes, a network learns it instead of
        the substructure.""",
        section="variables",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_class_variables",
        takes="values labels weights titles colors variables",
    ),
    ReportFigure(
        name="rejection_in_bins",
        title="Rejection in bins",
        caption="""
        Background rejection within bins of {{ binned }}, at one signal efficiency in each of them,
        with 68 % intervals; points are shifted within their bin. An open marker with an arrow is a
        lower limit: no row of the background is left. A bin with too few rows of signal or
        background has no point, a variable with the same value in all rows no panel.""",
        section="variables",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_binned_rejections",
        takes="bins discriminants names variables",
    ),
    ReportFigure(
        name="background_in_bins",
        title="Background of one threshold in bins",
        caption="""
        Background efficiency in bins of {{ binned }} of the one threshold that keeps the signal
        efficiency in all of them together. A flat line leaves the shape of the background as it
        was.""",
        section="variables",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_binned_backgrounds",
        takes="bins discriminants names variables",
        is_detail=True,
    ),
    ReportFigure(
        name="background_mass",
        title="Mass of the background",
        caption="""
        Mass of the background before and after a cut on a discriminant that keeps a tenth and a
        hundredth of it, each normalised to 1; JS is the divergence of Jensen and Shannon from the
        distribution before, in bits. A tagger that moves the background to the mass of the signal
        leaves no sideband for its estimate. Where all background has one mass, as massless
        clusters have, there is nothing to sculpt, and no panel.""",
        section="variables",
        rule="plot_taggers",
        draw=f"{_PLOTS}plot_jet_mass_sculpting",
        takes="sculpting discriminants names mass=mass_title",
        is_detail=True,
    ),
)
