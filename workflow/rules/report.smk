"""Plots (PDF and PNG) and the report."""


rule plot_performance:
    """ROC, CNN output against the jet variables, the gain from combining, score distributions."""
    input:
        test_events=RESULTS / "metrics/test_events.h5",
        summary=RESULTS / "metrics/summary.json",
        modules=package_modules("metrics", "plotting"),
    output:
        **plot_outputs(
            "1 Performance",
            roc="ROC curves",
            cnn_vs_n_fat_jets="CNN output against the number of fat jets",
            cnn_vs_mj_sum="CNN output against the summed jet mass",
            combination_gain="Gain from combining",
            scores="CNN output",
        ),
    log:
        RESULTS / "logs/plot_performance.log",
    benchmark:
        RESULTS / "benchmarks/plot_performance.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        class_names=CLASS_NAMES,
    script:
        "../scripts/plot_performance.py"


rule plot_images:
    """Mean image per class and channel, and single events."""
    input:
        images=IMAGE_FILES,
        modules=package_modules("plotting"),
    output:
        **plot_outputs(
            "2 Images",
            mean_images="Mean images",
            **{
                f"event_display_{kind}_{number}": f"Event display: {kind} {number}"
                for kind in ("signal", "background")
                for number in range(1, config["plots"]["n_event_displays"] + 1)
            },
        ),
    log:
        RESULTS / "logs/plot_images.log",
    benchmark:
        RESULTS / "benchmarks/plot_images.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        class_names=CLASS_NAMES,
        titles=TITLES,
        luminosity_fb=config["luminosity_fb"],
        radius=config["fat_jets"]["radius"],
        n_displays=config["plots"]["n_event_displays"],
    script:
        "../scripts/plot_images.py"


rule plot_models:
    """Networks and ensembles of the models against each other."""
    input:
        models=RESULTS / "metrics/models.json",
        test_events=RESULTS / "metrics/test_events.h5",
        network_scores=RESULTS / "metrics/network_scores.h5",
        modules=package_modules("evaluation", "metrics", "plotting"),
    output:
        **plot_outputs(
            "3 Models",
            model_comparison="Models at the working points",
            model_comparison_unweighted="Models at the working points, every event counts 1",
            model_roc="ROC curves of the models",
            model_roc_unweighted="ROC curves of the models, every event counts 1",
        ),
    log:
        RESULTS / "logs/plot_models.log",
    benchmark:
        RESULTS / "benchmarks/plot_models.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/plot_models.py"


rule plot_training:
    """Learning curves of every network."""
    input:
        histories=network_files("models/{model}/seed{seed}/history.csv"),
        modules=package_modules("evaluation", "plotting"),
    output:
        **plot_outputs("3 Models", learning_curves="Learning curves"),
    log:
        RESULTS / "logs/plot_training.log",
    benchmark:
        RESULTS / "benchmarks/plot_training.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        seeds=SEEDS,
    script:
        "../scripts/plot_training.py"


rule plot_cut_flow:
    """Share of the generated events after every cut of the preselection."""
    input:
        images=IMAGE_FILES,
        modules=package_modules("plotting"),
    output:
        **plot_outputs("4 Selection", cut_flow="Cut flow"),
    log:
        RESULTS / "logs/plot_cut_flow.log",
    benchmark:
        RESULTS / "benchmarks/plot_cut_flow.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        titles=TITLES,
    script:
        "../scripts/plot_cut_flow.py"


rule write_overview:
    """First page of the report, with the ROC and the summary, and the summary as a page of its own."""
    input:
        text=Path(workflow.basedir) / "report/workflow.rst",
        table=RESULTS / "metrics/summary.md",
        roc=RESULTS / "plots/roc.png",
    output:
        text=OVERVIEW,
        page=report(
            RESULTS / "metrics/summary.html",
            caption="../report/summary.rst",
            category="1 Performance",
            labels={"figure": "Table of results"},
        ),
    log:
        RESULTS / "logs/write_overview.log",
    benchmark:
        RESULTS / "benchmarks/write_overview.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    script:
        "../scripts/write_overview.py"


rule collect_plots:
    """Everything that the report shows."""
    input:
        rules.plot_performance.output,
        rules.plot_images.output,
        rules.plot_models.output,
        rules.plot_training.output,
        rules.plot_cut_flow.output,
        rules.write_overview.output,


rule make_report:
    """One self-contained page: Snakemake's report of `collect_plots`."""
    input:
        rules.collect_plots.input,
        captions=sorted(str(path) for path in (Path(workflow.basedir) / "report").glob("*.rst")),
    output:
        RESULTS / "report.html",
    log:
        RESULTS / "logs/make_report.log",
    benchmark:
        RESULTS / "benchmarks/make_report.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        python=sys.executable,
        snakefile=workflow.main_snakefile,
        configuration=report_configuration(),
    shell:
        "{params.python:q} -m snakemake --snakefile {params.snakefile:q} {params.configuration} --nolock --report {output:q} collect_plots "
        "> {log:q} 2>&1"
