"""Predictions of a target: bias and resolution of the networks and of their opponents."""


rule evaluate_regression:
    """Bias, resolution and closure of all models, of the calibrated sum of the image and of boosted trees."""
    input:
        images=results.image_list,
        variables=analysis.variable_lists("comparison"),
        scores=analysis.network_files(results.scores),
        models=analysis.network_files(results.model),
        histories=analysis.network_files(results.history),
    output:
        summary=results.numbers("regression"),
        table=results.table("regression"),
        rows=results.numbers("samples"),
        rows_table=results.table("samples"),
        cut_flow_table=results.table("cut_flow"),
        test_rows=results.test_rows,
    log:
        results.log("evaluate_regression"),
    benchmark:
        results.benchmark("evaluate_regression")
    threads: analysis.threads("evaluate_regression")
    resources:
        mem_mb=analysis.memory("evaluate_regression"),
        runtime=analysis.runtime("evaluate_regression"),
    params:
        target=parameters.target(analysis),
        regression=parameters.compared_regressors(analysis),
        baseline_variables=config["baseline_variables"],
        seeds=analysis.seeds,
        seed=config["seed"],
        folds=parameters.folds(analysis),
        variables=parameters.own_variables(analysis, "comparison"),
        code=code_of("evaluate_regression"),
    script:
        "../scripts/evaluate_regression.py"


rule plot_regression:
    """Prediction against truth, calibration, resolution and residuals."""
    input:
        test_rows=results.test_rows,
        summary=results.numbers("regression"),
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_regression")),
    log:
        results.log("plot_regression"),
    benchmark:
        results.benchmark("plot_regression")
    threads: analysis.threads("plot_regression")
    resources:
        mem_mb=analysis.memory("plot_regression"),
        runtime=analysis.runtime("plot_regression"),
    params:
        figures=report_content.figure_calls(analysis, "plot_regression"),
        code=code_of("plot_regression"),
    script:
        "../scripts/plot_regression.py"
