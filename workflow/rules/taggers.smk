"""Taggers: boosted trees on the variables of the rows, and the comparison of all classifiers."""


rule fit_tagger_baselines:
    """Boosted trees on all variables of the rows, tuned on the validation split."""
    input:
        images=results.image_list,
        variables=analysis.variable_lists("comparison"),
    output:
        scores=results.baseline_scores,
        chosen=results.numbers("tagger_baselines"),
    log:
        results.log("fit_tagger_baselines"),
    benchmark:
        results.benchmark("fit_tagger_baselines")
    threads: analysis.threads("fit_tagger_baselines")
    resources:
        mem_mb=analysis.memory("fit_tagger_baselines"),
        runtime=analysis.runtime("fit_tagger_baselines"),
    params:
        luminosity_fb=parameters.loss_luminosity_fb(analysis, config["train"]["weights"]),
        loss=parameters.loss_options(config["train"]),
        seed=config["seed"],
        folds=parameters.folds(analysis),
        variables=parameters.own_variables(analysis, "comparison"),
        code=code_of("fit_tagger_baselines"),
    script:
        "../scripts/fit_tagger_baselines.py"


rule evaluate_taggers:
    """Rejections, macro AUC, confusion, bins, calibration and mass sculpting of all classifiers."""
    input:
        images=results.image_list,
        variables=analysis.variable_lists("comparison"),
        baselines=analysis.tagger_baselines,
        scores=analysis.network_files(results.scores),
        models=analysis.network_files(results.model),
        histories=analysis.network_files(results.history),
    output:
        summary=results.numbers("tagging"),
        table=results.table("tagging"),
        models=results.numbers("taggers"),
        models_table=results.table("taggers"),
        bins=results.numbers("tagging_bins"),
        diagnostics=results.numbers("tagging_diagnostics"),
        rows=results.numbers("samples"),
        rows_table=results.table("samples"),
        cut_flow_table=results.table("cut_flow"),
        validation_rows=results.validation_rows,
        test_rows=results.test_rows,
    log:
        results.log("evaluate_taggers"),
    benchmark:
        results.benchmark("evaluate_taggers")
    threads: analysis.threads("evaluate_taggers")
    resources:
        mem_mb=analysis.memory("evaluate_taggers"),
        runtime=analysis.runtime("evaluate_taggers"),
    params:
        tagging=parameters.compared_taggers(analysis),
        binned=tagging.binned_variables(analysis.configuration),
        seeds=analysis.seeds,
        seed=config["seed"],
        folds=parameters.folds(analysis),
        variables=parameters.own_variables(analysis, "comparison"),
        code=code_of("evaluate_taggers"),
    script:
        "../scripts/evaluate_taggers.py"


rule plot_class_images:
    """Mean image of each class and channel, and its first rows."""
    input:
        images=results.image_list,
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_class_images")),
    log:
        results.log("plot_class_images"),
    benchmark:
        results.benchmark("plot_class_images")
    priority: 20
    threads: analysis.threads("plot_class_images")
    resources:
        mem_mb=analysis.memory("plot_class_images"),
        runtime=analysis.runtime("plot_class_images"),
    params:
        class_titles=tagging.class_titles(analysis.configuration),
        n_shown=config["plots"]["n_event_displays"],
        figures=report_content.figure_calls(analysis, "plot_class_images"),
        code=code_of("plot_class_images"),
    script:
        "../scripts/plot_class_images.py"


rule plot_taggers:
    """ROC curves, matrices of the classes, bins, calibration, mass sculpting, variables."""
    input:
        test_rows=results.test_rows,
        summary=results.numbers("tagging"),
        bins=results.numbers("tagging_bins"),
        diagnostics=results.numbers("tagging_diagnostics"),
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_taggers")),
    log:
        results.log("plot_taggers"),
    benchmark:
        results.benchmark("plot_taggers")
    threads: analysis.threads("plot_taggers")
    resources:
        mem_mb=analysis.memory("plot_taggers"),
        runtime=analysis.runtime("plot_taggers"),
    params:
        class_titles=tagging.class_titles(analysis.configuration),
        class_colors=tagging.class_colors(analysis.configuration),
        first_model=analysis.first_model,
        variables=parameters.titles_of_row_variables(analysis),
        figures=report_content.figure_calls(analysis, "plot_taggers"),
        code=code_of("plot_taggers"),
    script:
        "../scripts/plot_taggers.py"
