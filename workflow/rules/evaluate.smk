"""The comparison: cuts, jet variables, CNN and their combination on the test split."""


rule evaluate:
    """Efficiencies of all classifiers and the table of test events that the plots draw."""
    input:
        images=IMAGE_FILES,
        scores=RESULTS / "scores/cnn.h5",
        modules=package_modules("baselines", "evaluation", "metrics", "selection"),
    output:
        summary=RESULTS / "metrics/summary.json",
        table=RESULTS / "metrics/summary.md",
        test_events=RESULTS / "metrics/test_events.h5",
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
        seed=config["seed"],
    script:
        "../scripts/evaluate.py"
