"""Figures of the section on the performance: of the first model, its output, and all models."""

from calovision.report.figure import ReportFigure

PERFORMANCE = (
    ReportFigure(
        name="roc",
        title="ROC curves",
        caption="""
        Background {{ axis }} against signal efficiency
        {% if n_folds %}of all events, each scored by networks that did not see it
        ({{ n_folds }} folds){% else %}on the test split{% endif %}: the
        {% if axis == "rejection" %}higher{% else %}lower{% endif %} a curve,
        the better; the {% if regions %}star{% else %}point{% endif %} is the signal region of the
        search{% if regions %}, the other points are further regions{% endif %}. A curve
        {% if axis == "rejection" %}above{% else %}below{% endif %} the point keeps
        more signal at the same background, and the lower panel shows the {% if axis == "rejection"
        %}rejection{% else %}background{% endif %} relative to
        {% if has_mass %}a cut on the summed jet mass{% else %}the curve on its axis{% endif %};
        bands and bars are 68 % intervals, wide where few
        background events are left, and the thin lines those of a bootstrap over events and
        networks.""",
        section="answer",
        rule="plot_performance",
        draw="calovision.plotting.performance:plot_roc",
        takes="curves signal_region regions bootstrap names axis",
    ),
    ReportFigure(
        name="roc_samples",
        title="ROC curves of the samples",
        caption="""
        The same curves of every signal sample against the sum of the backgrounds, and of the sum of
        the signals against every background sample, beside those of the sums (black). A classifier
        in each row. Where a curve lies far from the black one, the sum says little about that
        sample.""",
        section="performance",
        rule="plot_performance",
        draw="calovision.plotting.sample_curves:plot_sample_roc",
        takes="curves samples names titles=sample_titles axis",
        needs="compared_samples",
    ),
    ReportFigure(
        name="cnn_vs_n_fat_jets",
        title="CNN output against the number of fat jets",
        caption="""
        CNN output against the number of fat jets, each column adding up to 1, with the median
        and the central 68 % as points (drawn as Fig. 4 of arXiv:1711.03573). Where signal and
        background differ within one column, the CNN has learned something that counting jets
        does not tell.""",
        section="performance",
        rule="plot_performance",
        draw="calovision.plotting.scores:plot_score_vs_n_fat_jets",
        takes="scores n_fat_jets labels weights names=class_names",
        is_detail=True,
    ),
    ReportFigure(
        name="cnn_vs_mj_sum",
        title="CNN output against the summed jet mass",
        caption="""
        CNN output against the summed mass of the four leading fat jets, each column adding up
        to 1, the last one with all beyond, with the median and the central 68 % as points
        (drawn as Fig. 5 of arXiv:1711.03573). A background median that rises with the mass
        shows how far the CNN uses the mass; signal far above it in the same column is what the
        image adds.""",
        section="performance",
        rule="plot_performance",
        draw="calovision.plotting.scores:plot_score_vs_mj_sum",
        takes="scores mj_sum labels weights names=class_names",
        is_detail=True,
    ),
    ReportFigure(
        name="combination_gain",
        title="Gain from combining",
        caption="""
        Signal efficiency of every classifier at fixed background efficiencies, and the ratio of
        the CNN combined with the jet variables to the CNN alone (drawn as Fig. 6 of
        arXiv:1711.03573). A ratio of 1 within its bar says that the image already holds what
        the jet variables know; bars are 68 % intervals, a triangle on the frame says that one
        goes on.""",
        section="performance",
        rule="plot_performance",
        draw="calovision.plotting.performance:plot_combination_gain",
        takes="efficiencies names",
    ),
    ReportFigure(
        name="scores",
        title="CNN output",
        caption="""
        Distribution of the CNN output for signal and background, each normalized to 1. The less
        the two overlap, the better; the background's tail towards 1 decides the working points,
        and its bars show how many events it rests on.""",
        section="performance",
        rule="plot_performance",
        draw="calovision.plotting.scores:plot_scores",
        takes="scores labels weights names=class_names",
    ),
    ReportFigure(
        name="calibration",
        title="Calibration",
        caption="""
        Share of signal among the events with a given output, both classes with the same sum of
        weights: on the diagonal the output is the probability of signal. A network that is sure
        of itself fills only the first and last bins; what counts for a search is the order of
        the events, not the probability.""",
        section="performance",
        rule="plot_diagnostics",
        draw="calovision.plotting.diagnostics:plot_calibration",
        takes="calibrations=calibration",
        is_detail=True,
    ),
    ReportFigure(
        name="correlations",
        title="Correlation with the jet variables",
        caption="""
        Rank correlation (Spearman) of each output with the jet variables, within signal and
        within background; gray and in brackets where it rests on fewer than ten effective
        events. What correlates strongly is known to the network already; combining with it
        gains little.""",
        section="performance",
        rule="plot_diagnostics",
        draw="calovision.plotting.diagnostics:plot_correlations",
        takes="correlations variable_titles",
        is_detail=True,
    ),
    ReportFigure(
        name="mass_sculpting",
        title="Summed jet mass of the background after cuts",
        caption="""
        Summed jet mass of the background, normalized, before and after cuts on each output. A
        classifier that selects background of large mass sculpts it into the shape of the
        signal, so that a search cannot fit it there.""",
        section="performance",
        rule="plot_diagnostics",
        draw="calovision.plotting.diagnostics:plot_mass_sculpting",
        takes="sculpting=mass_sculpting",
        is_detail=True,
    ),
    ReportFigure(
        name="model_comparison",
        title="Models at the working points",
        caption="""
        Signal efficiency of every model at fixed background efficiencies, events weighted:
        {% if n_networks > n_models %}each network, their mean and standard deviation, and the
        ensemble, whose score is the mean of theirs{% else %}each network, and below it the same
        with its 68 % interval{% endif %}.
        {% if n_networks > n_models %}Models differ where their networks lie further apart than
        they spread; the{% else %}The{% endif %} bar is the 68 % interval of
        {% if n_folds %}all events ({{ n_folds }} folds){% else %}the test events{% endif %},
        wide where few background events are left; a triangle on the frame says that it goes
        on.""",
        section="performance",
        rule="plot_models",
        draw="calovision.plotting.models:plot_model_comparison",
        takes="networks=weighted.networks ensembles=weighted.ensembles points",
    ),
    ReportFigure(
        name="model_comparison_unweighted",
        title="Models at the working points, every event counts 1",
        caption="""
        The same with every {% if not n_folds %}test {% endif %}event counting 1, so that no
        heavy background event decides a working point. It compares networks, and says nothing
        about an analysis, whose background has other shares of easy and hard events.""",
        section="performance",
        rule="plot_models",
        draw="calovision.plotting.models:plot_model_comparison",
        takes="networks=unweighted.networks ensembles=unweighted.ensembles points",
        is_detail=True,
    ),
    ReportFigure(
        name="model_roc",
        title="ROC curves of the models",
        caption="""
        Background {{ axis }} against signal efficiency of
        {% if n_networks > n_models %}the ensemble of every model, events weighted; a band
        reaches from the best to the worst network of a model that has several{% else %}the
        network of every model, events weighted{% endif %}{% if n_networks > 1 %}, and the lower
        panel is the ratio to the first model{% endif %}.
        {% if n_networks > n_models %}A curve {% if axis == "rejection" %}above{% else %}below{%
        endif %} its band is what averaging gains; bands that
        do not overlap belong to models that differ by more than chance in the training.
        {% else %}How far chance in the training moves a curve is not known from one network;
        more `seeds` would tell.{% endif %}""",
        section="performance",
        rule="plot_models",
        draw="calovision.plotting.models:plot_model_roc",
        takes="ensembles=weighted.ensemble_curves networks=weighted.network_curves axis",
        is_detail=True,
    ),
    ReportFigure(
        name="model_roc_unweighted",
        title="ROC curves of the models, every event counts 1",
        caption="""
        The same with every {% if not n_folds %}test {% endif %}event counting 1, so that a
        curve goes on smoothly to {% if axis == "rejection" %}higher background
        rejection{% else %}lower background efficiencies{% endif %}. It compares networks, and says
        nothing about an analysis, whose background has other shares of easy and hard events.""",
        section="performance",
        rule="plot_models",
        draw="calovision.plotting.models:plot_model_roc",
        takes="ensembles=unweighted.ensemble_curves networks=unweighted.network_curves axis",
        is_detail=True,
    ),
)
