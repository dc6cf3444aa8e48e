"""The comparison: cuts, jet variables, models and the combination on the test split."""


rule fit_baselines:
    """Shallow classifiers on the variables of an event, tuned on the validation split."""
    input:
        images=results.image_list,
        variables=analysis.variable_lists("baselines"),
    output:
        scores=results.baseline_scores,
        chosen=results.numbers("baselines"),
    log:
        results.log("fit_baselines"),
    benchmark:
        results.benchmark("fit_baselines")
    threads: analysis.threads("fit_baselines")
    resources:
        mem_mb=analysis.memory("fit_baselines"),
        runtime=analysis.runtime("fit_baselines"),
    params:
        classifiers=config["baselines"],
        luminosity_fb=parameters.loss_luminosity_fb(analysis, config["train"]["weights"]),
        weights=config["train"]["weights"],
        seed=config["seed"],
        folds=parameters.folds(analysis),
        variables=parameters.own_variables(analysis, "baselines"),
        further=config["baseline_variables"],
        code=code_of("fit_baselines"),
    script:
        "../scripts/fit_baselines.py"


rule evaluate:
    """Efficiencies of all classifiers and networks, and the tables of test events that the plots draw."""
    input:
        images=results.image_list,
        variables=analysis.variable_lists("comparison"),
        baselines=results.baseline_scores,
        scores=analysis.network_files(results.scores),
        models=analysis.network_files(results.model),
        histories=analysis.network_files(results.history),
    output:
        summary=results.numbers("summary"),
        table=results.table("summary"),
        models=results.numbers("models"),
        samples=results.numbers("samples"),
        samples_table=results.table("samples"),
        cut_flow_table=results.table("cut_flow"),
        comparison=results.numbers("comparison"),
        comparison_table=results.table("comparison"),
        validation_events=results.validation_events,
        test_events=results.test_events,
        network_scores=results.network_scores,
    log:
        results.log("evaluate"),
    benchmark:
        results.benchmark("evaluate")
    threads: analysis.threads("evaluate")
    resources:
        mem_mb=analysis.memory("evaluate"),
        runtime=analysis.runtime("evaluate"),
    params:
        luminosity_fb=config["luminosity_fb"],
        signal_region=config["selection"]["signal_region"],
        background_efficiencies=config["evaluate"]["background_efficiencies"],
        compare=parameters.compared(analysis),
        seeds=analysis.seeds,
        baselines=config["baselines"],
        seed=config["seed"],
        folds=parameters.folds(analysis),
        variables=parameters.own_variables(analysis, "comparison"),
        code=code_of("evaluate"),
    script:
        "../scripts/evaluate.py"
