"""Plots (PDF and PNG) and the report."""


rule plot_performance:
    """ROC, CNN output against the jet variables, the gain from combining, score distributions."""
    input:
        test_events=RESULTS / "metrics/test_events.h5",
        network_scores=RESULTS / "metrics/network_scores.h5",
        summary=RESULTS / "metrics/summary.json",
    output:
        **plot_outputs("roc", "cnn_vs_n_fat_jets", "cnn_vs_mj_sum", "combination_gain", "scores"),
    log:
        RESULTS / "logs/plot_performance.log",
    benchmark:
        RESULTS / "benchmarks/plot_performance.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        class_names=CLASS_NAMES,
        first_model=FIRST_MODEL,
        code=code_of(
            "plot_performance", "evaluation", "metrics", "plotting", "core.text", "core.titles"
        ),
    script:
        "../scripts/plot_performance.py"


rule plot_images:
    """Mean image per class and channel, and single events."""
    input:
        images=IMAGE_LIST,
    output:
        **plot_outputs("mean_images", *DISPLAYS),
    log:
        RESULTS / "logs/plot_images.log",
    benchmark:
        RESULTS / "benchmarks/plot_images.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: memory_of_images(2000, 0.055) * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    params:
        class_names=CLASS_NAMES,
        titles=TRAINING_TITLES,
        luminosity_fb=ANY_LUMINOSITY_FB,
        n_displays=config["plots"]["n_event_displays"],
        code=code_of("plot_images", "plotting", "core.text", "core.titles"),
    script:
        "../scripts/plot_images.py"


rule plot_models:
    """Networks and ensembles of the models against each other."""
    input:
        models=RESULTS / "metrics/models.json",
        test_events=RESULTS / "metrics/test_events.h5",
        network_scores=RESULTS / "metrics/network_scores.h5",
    output:
        **plot_outputs(
            "model_comparison", "model_comparison_unweighted", "model_roc", "model_roc_unweighted"
        ),
    log:
        RESULTS / "logs/plot_models.log",
    benchmark:
        RESULTS / "benchmarks/plot_models.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        code=code_of("plot_models", "evaluation", "metrics", "plotting", "core.text", "core.titles"),
    script:
        "../scripts/plot_models.py"


rule plot_training:
    """Learning curves of every network."""
    input:
        histories=network_files("models/{model}/seed{seed}/history.csv"),
    output:
        **plot_outputs("learning_curves"),
    log:
        RESULTS / "logs/plot_training.log",
    benchmark:
        RESULTS / "benchmarks/plot_training.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        seeds=SEEDS,
        code=code_of("plot_training", "evaluation", "plotting", "core.text", "core.titles"),
    script:
        "../scripts/plot_training.py"


rule plot_cut_flow:
    """Share of the generated events after every cut of the preselection."""
    input:
        images=IMAGE_LIST,
    output:
        **plot_outputs("cut_flow"),
    log:
        RESULTS / "logs/plot_cut_flow.log",
    benchmark:
        RESULTS / "benchmarks/plot_cut_flow.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        titles=TRAINING_TITLES,
        code=code_of("plot_cut_flow", "plotting", "core.text", "core.titles"),
    script:
        "../scripts/plot_cut_flow.py"


rule plot_diagnostics:
    """Calibration of the CNN, correlation with the jet variables, and what cuts on it do to the masses of the background."""
    input:
        test_events=RESULTS / "metrics/test_events.h5",
    output:
        **plot_outputs("calibration", "correlations", "mass_sculpting"),
        numbers=RESULTS / "metrics/diagnostics.json",
    log:
        RESULTS / "logs/plot_diagnostics.log",
    benchmark:
        RESULTS / "benchmarks/plot_diagnostics.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        classifiers=[
            "cnn",
            "cnn+jets",
            *[name for name in ("referee", "mlp") if name in config["baselines"]],
        ],
        code=code_of(
            "plot_diagnostics", "evaluation", "metrics", "plotting", "core.text", "core.titles"
        ),
    script:
        "../scripts/plot_diagnostics.py"


rule plot_attributions:
    """Which cells speak for signal and which for background."""
    input:
        images=IMAGE_LIST,
        weights=seed_files("models/{model}/seed{seed}/model.safetensors", FIRST_MODEL),
        models=seed_files("models/{model}/seed{seed}/model.json", FIRST_MODEL),
    output:
        **plot_outputs("attributions"),
    log:
        RESULTS / "logs/plot_attributions.log",
    benchmark:
        RESULTS / "benchmarks/plot_attributions.tsv"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: memory_of_images(3000, 0.09) * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        class_names=CLASS_NAMES,
        n_events=config["plots"]["n_attributed_events"],
        luminosity_fb=ANY_LUMINOSITY_FB,
        seed=config["seed"],
        code=code_of(
            "plot_attributions", "scoring.attribution", "plotting", "core.text", "core.titles"
        ),
    script:
        "../scripts/plot_attributions.py"


rule plot_extreme_events:
    """The background events with the highest, and the signal events with the lowest CNN output."""
    input:
        images=IMAGE_LIST,
        test_events=RESULTS / "metrics/test_events.h5",
    output:
        **plot_outputs(*EXTREMES),
    log:
        RESULTS / "logs/plot_extreme_events.log",
    benchmark:
        RESULTS / "benchmarks/plot_extreme_events.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    params:
        titles=TRAINING_TITLES,
        n_displays=config["plots"]["n_event_displays"],
        code=code_of("plot_extreme_events", "plotting", "core.text", "core.titles"),
    script:
        "../scripts/plot_extreme_events.py"


rule plot_reach:
    """Expected significance and limits."""
    input:
        numbers=RESULTS / "metrics/reach.json",
    output:
        **plot_outputs("reach", *LIMIT_PLOTS),
    log:
        RESULTS / "logs/plot_reach.log",
    benchmark:
        RESULTS / "benchmarks/plot_reach.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        code=code_of("plot_reach", "plotting", "core.text", "core.titles"),
    script:
        "../scripts/plot_reach.py"


if VARIATIONS:

    rule plot_robustness:
        """Efficiencies of fixed thresholds in other detectors."""
        input:
            numbers=RESULTS / "metrics/robustness.json",
        output:
            **plot_outputs("robustness"),
        log:
            RESULTS / "logs/plot_robustness.log",
        benchmark:
            RESULTS / "benchmarks/plot_robustness.tsv"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 1000 * attempt,
            runtime=lambda wildcards, attempt: 10 * attempt,
        params:
            code=code_of("plot_robustness", "plotting", "core.text", "core.titles"),
        script:
            "../scripts/plot_robustness.py"


rule write_hepdata:
    """ROC curves, working points and reach as tables of a HEPData submission."""
    input:
        test_events=RESULTS / "metrics/test_events.h5",
        summary=RESULTS / "metrics/summary.json",
        reach=RESULTS / "metrics/reach.json",
    output:
        directory(RESULTS / "hepdata"),
    log:
        RESULTS / "logs/write_hepdata.log",
    benchmark:
        RESULTS / "benchmarks/write_hepdata.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        description="CNNs on whole-detector images against the cuts of a search: ROC curves, working points, reach.",
        code=code_of("write_hepdata", "report.hepdata", "metrics", "core.text"),
    script:
        "../scripts/write_hepdata.py"


rule write_report:
    """One self-contained page, and all its numbers in one table."""
    input:
        plots=figure_files(REPORT),
        tables=[path for section in REPORT for path in section["tables"]],
        texts=[ancient(path) for path in text_files(REPORT)],
        numbers=[RESULTS / f"metrics/{name}.json" for name in NUMBERS],
        run_summary=RESULTS / "metrics/run_summary.json",
        hepdata=RESULTS / "hepdata",
    output:
        page=RESULTS / "report.html",
        numbers=RESULTS / "metrics/numbers.csv",
    log:
        RESULTS / "logs/write_report.log",
    benchmark:
        RESULTS / "benchmarks/write_report.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 5 * attempt,
    params:
        title="CNNs on whole-detector images against the cuts of a search",
        summary=report_facts(),
        sections=REPORT,
        plots=lambda wildcards, input: str(Path(input.plots[0]).parent),
        placeholders=report_placeholders(),
        files=REPORT_FILES,
        foot=f"Seed {config['seed']}. The same configuration gives the same numbers on one machine.",
        code=code_of(
            "write_report", "core.markdown", "report", "core.text", files=text_files(REPORT)
        ),
    script:
        "../scripts/write_report.py"
