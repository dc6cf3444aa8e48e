"""The networks of every model: training and the scores of all events that they have not seen."""


rule train_network:
    """Train one network of a model and keep the epoch of the lowest validation loss; go on after a kill."""
    input:
        images=lambda wildcards: analysis.image_list(wildcards.model),
        variables=lambda wildcards: analysis.variable_lists(f"input_of_{wildcards.model}"),
    output:
        weights=results.weights,
        model=results.model,
        history=results.history,
        tensorboard=directory(results.tensorboard),
    log:
        results.log("train_network"),
    benchmark:
        results.benchmark("train_network")
    priority: 10
    threads: analysis.threads("train_network")
    resources:
        mem_mb=analysis.memory("train_network"),
        runtime=analysis.runtime("train_network"),
        gpu=lambda wildcards: parameters.n_gpus(analysis, wildcards.model),
    params:
        options=lambda wildcards: parameters.training_options(analysis, wildcards.model),
        luminosity_fb=lambda wildcards: parameters.loss_luminosity_fb(
            analysis, analysis.models[wildcards.model].weights
        ),
        folds=parameters.folds(analysis),
        variables=lambda wildcards: parameters.variables_of_model(analysis, wildcards.model),
        code=code_of("train_network"),
    script:
        "../scripts/train_network.py"


rule score_events:
    """Output of one network for every event of the validation and test splits, which are those of its fold."""
    input:
        images=lambda wildcards: analysis.image_list(wildcards.model),
        variables=lambda wildcards: analysis.variable_lists(f"input_of_{wildcards.model}"),
        weights=results.weights,
        model=results.model,
    output:
        results.scores,
    log:
        results.log("score_events"),
    benchmark:
        results.benchmark("score_events")
    threads: analysis.threads("score_events")
    resources:
        mem_mb=analysis.memory("score_events"),
        runtime=analysis.runtime("score_events"),
    params:
        options=lambda wildcards: parameters.scoring_options(analysis, wildcards.model),
        folds=parameters.folds(analysis),
        variables=lambda wildcards: parameters.variables_of_model(analysis, wildcards.model),
        code=code_of("score_events"),
    script:
        "../scripts/score_events.py"


if analysis.folds:

    rule average_networks:
        """The mean of all networks of a model as one model: for events that none of them saw."""
        input:
            weights=lambda wildcards: analysis.network_files(results.weights, wildcards.model),
            models=lambda wildcards: analysis.network_files(results.model, wildcards.model),
        output:
            weights=results.mean_weights,
            model=results.mean_model,
        log:
            results.log("average_networks"),
        benchmark:
            results.benchmark("average_networks")
        threads: analysis.threads("average_networks")
        resources:
            mem_mb=analysis.memory("average_networks"),
            runtime=analysis.runtime("average_networks"),
        params:
            folds=parameters.folds(analysis),
            code=code_of("average_networks"),
        script:
            "../scripts/average_networks.py"
