"""Other detectors: some files of every sample built again with each variation, and the scores of what comes out."""

if VARIATIONS:

    if any("pile_up" in variation for variation in VARIATIONS.values()):

        use rule simulate_ntuples as simulate_pile_up with:
            output:
                RESULTS / "variations/{variation}/ntuples/{sample}/{chunk}.root",
            log:
                RESULTS / "logs/simulate_pile_up/{variation}/{sample}/{chunk}.log",
            benchmark:
                RESULTS / "benchmarks/simulate_pile_up/{variation}/{sample}/{chunk}.tsv"
            params:
                job=simulation_params,
                seed=config["seed"],
                code=code_of("simulate_ntuples", "stages.simulation", "simulation"),

    use rule build_images as build_varied_images with:
        input:
            ntuples=lambda wildcards: local_files(varied_chunk_of(wildcards)),
        output:
            RESULTS / "variations/{variation}/images/{sample}/{chunk}.h5",
        log:
            RESULTS / "logs/build_varied_images/{variation}/{sample}/{chunk}.log",
        benchmark:
            RESULTS / "benchmarks/build_varied_images/{variation}/{sample}/{chunk}.tsv"
        params:
            job=varied_image_params,
            recipe=varied_recipe,
            code=code_of("build_images", *IMAGE_MODULES, "conversion.variations"),

    rule score_variation:
        """Mean score of the networks of a model for the test events of a variation."""
        input:
            images=varied_images,
            weights=lambda wildcards: seed_files(
                "models/{model}/seed{seed}/model.safetensors", wildcards.model
            ),
            models=lambda wildcards: seed_files(
                "models/{model}/seed{seed}/model.json", wildcards.model
            ),
        output:
            RESULTS / "variations/{variation}/scores/{model}.h5",
        log:
            RESULTS / "logs/score_variation/{variation}/{model}.log",
        benchmark:
            RESULTS / "benchmarks/score_variation/{variation}/{model}.tsv"
        threads: threads_of_model
        resources:
            mem_mb=lambda wildcards, attempt: memory_of_images(3000, 0.09) * attempt,
            runtime=lambda wildcards, attempt: 60 * attempt,
        params:
            options=scoring_options,
            code=code_of("score_ensemble", "stages.scores", "datasets", "models", "scoring"),
        script:
            "../scripts/score_ensemble.py"

    rule evaluate_robustness:
        """Efficiencies of fixed thresholds in every variation."""
        input:
            test_events=RESULTS / "metrics/test_events.h5",
            images=[path for variation in VARIATIONS for path in images_of(variation)],
            scores=[
                RESULTS / f"variations/{variation}/scores/{model}.h5"
                for variation in VARIATIONS
                for model in ROBUSTNESS_MODELS
            ],
        output:
            numbers=RESULTS / "metrics/robustness.json",
            table=RESULTS / "metrics/robustness.md",
        log:
            RESULTS / "logs/evaluate_robustness.log",
        benchmark:
            RESULTS / "benchmarks/evaluate_robustness.tsv"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
            runtime=lambda wildcards, attempt: 30 * attempt,
        params:
            variations=list(VARIATIONS),
            models=ROBUSTNESS_MODELS,
            first_model=next(iter(MODELS)),
            luminosity_fb=config["luminosity_fb"],
            signal_region=config["selection"]["signal_region"],
            background_efficiency=config["robustness"]["background_efficiency"],
            code=code_of(
                "evaluate_robustness",
                "stages.robustness",
                "evaluation",
                "core.markdown",
                "metrics",
                "selection",
            ),
        script:
            "../scripts/evaluate_robustness.py"
