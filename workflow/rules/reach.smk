"""Expected significance and limits of the search, with and without the networks."""


rule score_reach_sample:
    """Mean score of the networks of the first model for a signal of another mass."""
    input:
        images=lambda wildcards: analysis.image_files(wildcards.sample),
        variables=lambda wildcards: analysis.variable_files(
            f"input_of_{analysis.first_model}", wildcards.sample
        ),
        weights=analysis.network_files(results.weights, analysis.first_model),
        models=analysis.network_files(results.model, analysis.first_model),
    output:
        results.reach_scores,
    log:
        results.log("score_reach_sample"),
    benchmark:
        results.benchmark("score_reach_sample")
    threads: analysis.threads("score_reach_sample")
    resources:
        mem_mb=analysis.memory("score_reach_sample"),
        runtime=analysis.runtime("score_reach_sample"),
    params:
        options=parameters.scoring_options(analysis, analysis.first_model),
        folds=parameters.folds(analysis),
        variables=parameters.variables_of_model(analysis, analysis.first_model),
        code=code_of("score_reach_sample"),
    script:
        "../scripts/score_ensemble.py"


rule evaluate_reach:
    """Expected significance and limits of the cuts and of all classifiers; against the mass where there are samples."""
    input:
        validation_events=results.validation_events,
        test_events=results.test_events,
        samples=results.numbers("samples"),
        images=analysis.image_files(*analysis.reach_samples),
        variables=analysis.variable_files("comparison", *analysis.reach_samples),
        scores=analysis.reach_score_files(),
    output:
        numbers=results.numbers("reach"),
        table=results.table("reach"),
    log:
        results.log("evaluate_reach"),
    benchmark:
        results.benchmark("evaluate_reach")
    threads: analysis.threads("evaluate_reach")
    resources:
        mem_mb=analysis.memory("evaluate_reach"),
        runtime=analysis.runtime("evaluate_reach"),
    params:
        classifiers=parameters.reach_classifiers(analysis),
        options=config["reach"],
        masses=parameters.signal_masses(analysis),
        signal_region=config["selection"]["signal_region"],
        luminosity_fb=config["luminosity_fb"],
        seed=config["seed"],
        folds=parameters.folds(analysis),
        variables=parameters.own_variables(analysis, "comparison"),
        code=code_of("evaluate_reach"),
    script:
        "../scripts/evaluate_reach.py"
