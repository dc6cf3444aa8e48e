"""Plots (PDF and PNG) of the comparison with the cuts of a search, and its tables for HEPData."""


rule plot_performance:
    """ROC, CNN output against the jet variables, the gain from combining, score distributions."""
    input:
        test_events=results.test_events,
        network_scores=results.network_scores,
        summary=results.numbers("summary"),
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_performance")),
    log:
        results.log("plot_performance"),
    benchmark:
        results.benchmark("plot_performance")
    threads: analysis.threads("plot_performance")
    resources:
        mem_mb=analysis.memory("plot_performance"),
        runtime=analysis.runtime("plot_performance"),
    params:
        class_names=analysis.class_names,
        first_model=analysis.first_model,
        compare=parameters.shown_curves(analysis),
        figures=report_content.figure_calls(analysis, "plot_performance"),
        code=code_of("plot_performance"),
    script:
        "../scripts/plot_performance.py"


rule plot_images:
    """Mean image per class and channel, and single events."""
    input:
        images=results.image_list,
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_images")),
    log:
        results.log("plot_images"),
    benchmark:
        results.benchmark("plot_images")
    priority: 20
    threads: analysis.threads("plot_images")
    resources:
        mem_mb=analysis.memory("plot_images"),
        runtime=analysis.runtime("plot_images"),
    params:
        class_names=analysis.class_names,
        titles=analysis.training_titles,
        luminosity_fb=parameters.any_luminosity_fb(),
        n_displays=config["plots"]["n_event_displays"],
        figures=report_content.figure_calls(analysis, "plot_images"),
        code=code_of("plot_images"),
    script:
        "../scripts/plot_images.py"


rule plot_models:
    """Networks and ensembles of the models against each other."""
    input:
        models=results.numbers("models"),
        test_events=results.test_events,
        network_scores=results.network_scores,
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_models")),
    log:
        results.log("plot_models"),
    benchmark:
        results.benchmark("plot_models")
    threads: analysis.threads("plot_models")
    resources:
        mem_mb=analysis.memory("plot_models"),
        runtime=analysis.runtime("plot_models"),
    params:
        axis=config["compare"]["axis"],
        figures=report_content.figure_calls(analysis, "plot_models"),
        code=code_of("plot_models"),
    script:
        "../scripts/plot_models.py"


rule plot_diagnostics:
    """Calibration of the CNN, correlation with the jet variables, and what cuts on it do to the masses of the background."""
    input:
        test_events=results.test_events,
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_diagnostics")),
        numbers=results.numbers("diagnostics"),
    log:
        results.log("plot_diagnostics"),
    benchmark:
        results.benchmark("plot_diagnostics")
    threads: analysis.threads("plot_diagnostics")
    resources:
        mem_mb=analysis.memory("plot_diagnostics"),
        runtime=analysis.runtime("plot_diagnostics"),
    params:
        classifiers=[
            "cnn",
            "cnn+jets",
            *[name for name in ("referee", "mlp") if name in config["baselines"]],
        ],
        variables=parameters.titles_of_variables(analysis),
        figures=report_content.figure_calls(analysis, "plot_diagnostics"),
        code=code_of("plot_diagnostics"),
    script:
        "../scripts/plot_diagnostics.py"


rule plot_attributions:
    """Which cells speak for signal and which for background."""
    input:
        images=results.image_list,
        variables=analysis.variable_lists(f"input_of_{analysis.first_model}"),
        weights=analysis.network_files(results.weights, analysis.first_model),
        models=analysis.network_files(results.model, analysis.first_model),
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_attributions")),
    log:
        results.log("plot_attributions"),
    benchmark:
        results.benchmark("plot_attributions")
    threads: analysis.threads("plot_attributions")
    resources:
        mem_mb=analysis.memory("plot_attributions"),
        runtime=analysis.runtime("plot_attributions"),
    params:
        class_names=analysis.class_names,
        n_events=config["plots"]["n_attributed_events"],
        luminosity_fb=parameters.any_luminosity_fb(),
        seed=config["seed"],
        folds=parameters.folds(analysis),
        figures=report_content.figure_calls(analysis, "plot_attributions"),
        variables=parameters.variables_of_model(analysis, analysis.first_model),
        code=code_of("plot_attributions"),
    script:
        "../scripts/plot_attributions.py"


rule plot_extreme_events:
    """The background events with the highest, and the signal events with the lowest CNN output."""
    input:
        images=results.image_list,
        test_events=results.test_events,
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_extreme_events")),
    log:
        results.log("plot_extreme_events"),
    benchmark:
        results.benchmark("plot_extreme_events")
    threads: analysis.threads("plot_extreme_events")
    resources:
        mem_mb=analysis.memory("plot_extreme_events"),
        runtime=analysis.runtime("plot_extreme_events"),
    params:
        titles=analysis.training_titles,
        n_displays=config["plots"]["n_event_displays"],
        figures=report_content.figure_calls(analysis, "plot_extreme_events"),
        code=code_of("plot_extreme_events"),
    script:
        "../scripts/plot_extreme_events.py"


rule plot_reach:
    """Expected significance and limits."""
    input:
        numbers=results.numbers("reach"),
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_reach")),
    log:
        results.log("plot_reach"),
    benchmark:
        results.benchmark("plot_reach")
    threads: analysis.threads("plot_reach")
    resources:
        mem_mb=analysis.memory("plot_reach"),
        runtime=analysis.runtime("plot_reach"),
    params:
        figures=report_content.figure_calls(analysis, "plot_reach"),
        code=code_of("plot_reach"),
    script:
        "../scripts/plot_reach.py"


if analysis.variations:

    rule plot_robustness:
        """Efficiencies of fixed thresholds in other detectors."""
        input:
            numbers=results.numbers("robustness"),
        output:
            **results.plots(*report_content.figure_names(analysis, "plot_robustness")),
        log:
            results.log("plot_robustness"),
        benchmark:
            results.benchmark("plot_robustness")
        threads: analysis.threads("plot_robustness")
        resources:
            mem_mb=analysis.memory("plot_robustness"),
            runtime=analysis.runtime("plot_robustness"),
        params:
            figures=report_content.figure_calls(analysis, "plot_robustness"),
            code=code_of("plot_robustness"),
        script:
            "../scripts/plot_robustness.py"


rule write_hepdata:
    """ROC curves, working points and reach as tables of a HEPData submission."""
    input:
        test_events=results.test_events,
        summary=results.numbers("summary"),
        reach=results.numbers("reach"),
    output:
        directory(results.hepdata),
    log:
        results.log("write_hepdata"),
    benchmark:
        results.benchmark("write_hepdata")
    threads: analysis.threads("write_hepdata")
    resources:
        mem_mb=analysis.memory("write_hepdata"),
        runtime=analysis.runtime("write_hepdata"),
    params:
        description=report_content.SUBMISSION,
        code=code_of("write_hepdata"),
    script:
        "../scripts/write_hepdata.py"
