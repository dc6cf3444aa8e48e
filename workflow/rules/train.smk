"""The networks of every model: training and the scores of all events that they have not seen."""


rule train_network:
    """Train one network of a model and keep the epoch of the lowest validation loss; go on after a kill."""
    input:
        images=IMAGE_LIST,
    output:
        weights=RESULTS / "models/{model}/seed{seed}/model.safetensors",
        model=RESULTS / "models/{model}/seed{seed}/model.json",
        history=RESULTS / "models/{model}/seed{seed}/history.csv",
        tensorboard=directory(RESULTS / "models/{model}/seed{seed}/tensorboard"),
    log:
        RESULTS / "logs/train_network/{model}/seed{seed}.log",
    benchmark:
        RESULTS / "benchmarks/train_network/{model}/seed{seed}.tsv"
    threads: threads_of_model
    resources:
        mem_mb=lambda wildcards, attempt: memory_of_images(4000, 0.16) * attempt,
        runtime=240,  # not more at the next attempt, which goes on from the checkpoint
        # `auto` takes a GPU where there is one, but a farm is not asked for it
        gpu=lambda wildcards: (
            MODELS[wildcards.model]["n_devices"]
            if MODELS[wildcards.model]["device"] == "gpu"
            else 0
        ),
    params:
        options=training_options,
        luminosity_fb=lambda wildcards: luminosity_of_loss(MODELS[wildcards.model]["weights"]),
        code=code_of("train_network", "stages.training", "datasets", "models", "training"),
    script:
        "../scripts/train_network.py"


rule score_events:
    """Output of one network for every event of the validation and test splits."""
    input:
        images=IMAGE_LIST,
        weights=RESULTS / "models/{model}/seed{seed}/model.safetensors",
        model=RESULTS / "models/{model}/seed{seed}/model.json",
    output:
        RESULTS / "scores/{model}/seed{seed}.h5",
    log:
        RESULTS / "logs/score_events/{model}/seed{seed}.log",
    benchmark:
        RESULTS / "benchmarks/score_events/{model}/seed{seed}.tsv"
    threads: threads_of_model
    resources:
        mem_mb=lambda wildcards, attempt: memory_of_images(3000, 0.09) * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=scoring_options,
        code=code_of("score_events", "stages.scores", "datasets", "models", "scoring"),
    script:
        "../scripts/score_events.py"
