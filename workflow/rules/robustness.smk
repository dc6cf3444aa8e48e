"""Other detectors: some files of every sample built again with each variation, and the scores of what comes out."""

if analysis.variations:

    if analysis.pile_up_variations:

        use rule simulate_ntuples as simulate_pile_up with:
            output:
                results.varied_ntuple,
            log:
                results.log("simulate_pile_up"),
            benchmark:
                results.benchmark("simulate_pile_up")
            params:
                job=lambda wildcards: parameters.simulation_job(
                    analysis, wildcards.sample, wildcards.chunk, wildcards.variation
                ),
                seed=config["seed"],
                code=code_of("simulate_pile_up"),

    use rule build_images as build_varied_images with:
        input:
            ntuples=lambda wildcards: analysis.varied_chunk(**wildcards).local_files(),
            beside=lambda wildcards: analysis.files_beside(
                wildcards.sample, analysis.varied_chunk(**wildcards)
            ),
            mask=lambda wildcards: analysis.mask_files(wildcards.variation),
        output:
            results.varied_images,
        log:
            results.log("build_varied_images"),
        benchmark:
            results.benchmark("build_varied_images")
        params:
            job=lambda wildcards: parameters.varied_image_job(analysis, **wildcards),
            recipe=lambda wildcards: parameters.varied_image_recipe(analysis, wildcards.variation),
            code=code_of("build_varied_images"),

    rule score_variation:
        """Mean score of the networks of a model for the test events of a variation."""
        input:
            images=lambda wildcards: analysis.varied_image_files(wildcards.variation),
            weights=lambda wildcards: analysis.network_files(results.weights, wildcards.model),
            models=lambda wildcards: analysis.network_files(results.model, wildcards.model),
        output:
            results.varied_scores,
        log:
            results.log("score_variation"),
        benchmark:
            results.benchmark("score_variation")
        threads: analysis.threads("score_variation")
        resources:
            mem_mb=analysis.memory("score_variation"),
            runtime=analysis.runtime("score_variation"),
        params:
            options=lambda wildcards: parameters.scoring_options(analysis, wildcards.model),
            folds=parameters.folds(analysis),
            variables=lambda wildcards: parameters.variables_of_model(analysis, wildcards.model),
            code=code_of("score_variation"),
        script:
            "../scripts/score_ensemble.py"

    rule evaluate_robustness:
        """Efficiencies of fixed thresholds in every variation."""
        input:
            test_events=results.test_events,
            images=analysis.varied_image_files(*analysis.variations),
            scores=analysis.varied_score_files(),
        output:
            numbers=results.numbers("robustness"),
            table=results.table("robustness"),
        log:
            results.log("evaluate_robustness"),
        benchmark:
            results.benchmark("evaluate_robustness")
        threads: analysis.threads("evaluate_robustness")
        resources:
            mem_mb=analysis.memory("evaluate_robustness"),
            runtime=analysis.runtime("evaluate_robustness"),
        params:
            variations=list(analysis.variations),
            models=analysis.robustness_models,
            first_model=analysis.first_model,
            luminosity_fb=config["luminosity_fb"],
            signal_region=config["selection"]["signal_region"],
            background_efficiency=config["robustness"]["background_efficiency"],
            folds=parameters.folds(analysis),
            variables=parameters.variables_of_region(analysis),
            code=code_of("evaluate_robustness"),
        script:
            "../scripts/evaluate_robustness.py"
