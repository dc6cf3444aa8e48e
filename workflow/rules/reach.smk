"""What the search expects to see or to exclude, with and without the networks."""


rule score_reach_sample:
    """Mean score of the networks of the first model for a signal of another mass."""
    input:
        images=lambda wildcards: [
            RESULTS / f"images/{wildcards.sample}/{chunk}.h5" for chunk in CHUNKS[wildcards.sample]
        ],
        weights=seed_files("models/{model}/seed{seed}/model.safetensors", FIRST_MODEL),
        models=seed_files("models/{model}/seed{seed}/model.json", FIRST_MODEL),
    output:
        RESULTS / "reach/{sample}.h5",
    log:
        RESULTS / "logs/score_reach_sample/{sample}.log",
    benchmark:
        RESULTS / "benchmarks/score_reach_sample/{sample}.tsv"
    threads: MODELS[FIRST_MODEL]["threads"]
    resources:
        mem_mb=lambda wildcards, attempt: memory_of_images(3000, 0.09) * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=scoring_options_of(FIRST_MODEL),
        code=code_of("score_ensemble", "stages.scores", "datasets", "models", "scoring"),
    script:
        "../scripts/score_ensemble.py"


rule evaluate_reach:
    """Expected significance and limits of the cuts and of all classifiers; against the mass where there are samples."""
    input:
        validation_events=RESULTS / "metrics/validation_events.h5",
        test_events=RESULTS / "metrics/test_events.h5",
        samples=RESULTS / "metrics/samples.json",
        images=[
            RESULTS / f"images/{name}/{chunk}.h5"
            for name in REACH_SAMPLES
            for chunk in CHUNKS[name]
        ],
        scores=[RESULTS / f"reach/{name}.h5" for name in REACH_SAMPLES],
    output:
        numbers=RESULTS / "metrics/reach.json",
        table=RESULTS / "metrics/reach.md",
    log:
        RESULTS / "logs/evaluate_reach.log",
    benchmark:
        RESULTS / "benchmarks/evaluate_reach.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        classifiers=["cnn", "cnn+jets", *list(MODELS)[1:], *config["baselines"]],
        options=config["reach"],
        masses={
            name: sample.get("mass") for name, sample in SAMPLES.items() if sample["label"] == 1
        },
        signal_region=config["selection"]["signal_region"],
        luminosity_fb=config["luminosity_fb"],
        seed=config["seed"],
        code=code_of(
            "evaluate_reach",
            "stages.reach",
            "evaluation",
            "core.markdown",
            "metrics",
            "evaluation.reach",
        ),
    script:
        "../scripts/evaluate_reach.py"
