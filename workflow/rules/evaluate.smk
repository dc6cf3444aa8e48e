"""The comparison: cuts, jet variables, models and the combination on the test split."""


rule fit_baselines:
    """Shallow classifiers on the variables of an event, tuned on the validation split."""
    input:
        images=IMAGE_LIST,
    output:
        scores=RESULTS / "scores/baselines.h5",
        chosen=RESULTS / "metrics/baselines.json",
    log:
        RESULTS / "logs/fit_baselines.log",
    benchmark:
        RESULTS / "benchmarks/fit_baselines.tsv"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        classifiers=config["baselines"],
        luminosity_fb=luminosity_of_loss(config["train"]["weights"]),
        weights=config["train"]["weights"],
        seed=config["seed"],
        code=code_of(
            "fit_baselines",
            "stages.baselines",
            "evaluation.baselines",
            "datasets",
            "evaluation",
            "metrics",
        ),
    script:
        "../scripts/fit_baselines.py"


rule evaluate:
    """Efficiencies of all classifiers and networks, and the tables of test events that the plots draw."""
    input:
        images=IMAGE_LIST,
        baselines=RESULTS / "scores/baselines.h5",
        scores=network_files("scores/{model}/seed{seed}.h5"),
        models=network_files("models/{model}/seed{seed}/model.json"),
        histories=network_files("models/{model}/seed{seed}/history.csv"),
    output:
        summary=RESULTS / "metrics/summary.json",
        table=RESULTS / "metrics/summary.md",
        models=RESULTS / "metrics/models.json",
        samples=RESULTS / "metrics/samples.json",
        samples_table=RESULTS / "metrics/samples.md",
        cut_flow_table=RESULTS / "metrics/cut_flow.md",
        comparison=RESULTS / "metrics/comparison.json",
        comparison_table=RESULTS / "metrics/comparison.md",
        validation_events=RESULTS / "metrics/validation_events.h5",
        test_events=RESULTS / "metrics/test_events.h5",
        network_scores=RESULTS / "metrics/network_scores.h5",
    log:
        RESULTS / "logs/evaluate.log",
    benchmark:
        RESULTS / "benchmarks/evaluate.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        luminosity_fb=config["luminosity_fb"],
        signal_region=config["selection"]["signal_region"],
        background_efficiencies=config["evaluate"]["background_efficiencies"],
        seeds=SEEDS,
        baselines=config["baselines"],
        seed=config["seed"],
        code=code_of(
            "evaluate",
            "stages.comparison",
            "evaluation.baselines",
            "evaluation",
            "core.markdown",
            "metrics",
            "selection",
        ),
    script:
        "../scripts/evaluate.py"
