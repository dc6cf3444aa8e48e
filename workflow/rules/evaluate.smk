"""The comparison: cuts, jet variables, models and the combination on the test split."""


rule evaluate:
    """Efficiencies of all classifiers and networks, and the tables of test events that the plots draw."""
    input:
        images=IMAGE_FILES,
        scores=network_files("scores/{model}/seed{seed}.h5"),
        models=network_files("models/{model}/seed{seed}/model.json"),
        histories=network_files("models/{model}/seed{seed}/history.csv"),
        modules=package_modules("baselines", "evaluation", "metrics", "selection"),
    output:
        summary=RESULTS / "metrics/summary.json",
        table=RESULTS / "metrics/summary.md",
        models=RESULTS / "metrics/models.json",
        test_events=RESULTS / "metrics/test_events.h5",
        network_scores=RESULTS / "metrics/network_scores.h5",
    log:
        RESULTS / "logs/evaluate.log",
    benchmark:
        RESULTS / "benchmarks/evaluate.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=30,
    params:
        luminosity_fb=config["luminosity_fb"],
        signal_region=config["selection"]["signal_region"],
        background_efficiencies=config["evaluate"]["background_efficiencies"],
        seeds=SEEDS,
        seed=config["seed"],
    script:
        "../scripts/evaluate.py"
