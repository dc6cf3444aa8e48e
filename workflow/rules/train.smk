"""The CNN: training and the scores of all events that it has not seen."""


rule train_cnn:
    """Train the network; keep the epoch with the lowest validation loss."""
    input:
        images=IMAGE_FILES,
        modules=package_modules("datasets", "models", "training"),
    output:
        checkpoint=RESULTS / "models/cnn/seed{seed}/best.ckpt",
        history=RESULTS / "models/cnn/seed{seed}/history.csv",
        tensorboard=directory(RESULTS / "models/cnn/seed{seed}/tensorboard"),
    log:
        RESULTS / "logs/train_cnn/seed{seed}.log",
    benchmark:
        RESULTS / "benchmarks/train_cnn/seed{seed}.tsv"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=240,
        gpu=0 if config["train"]["device"] == "cpu" else 1,
    params:
        options=config["train"],
        luminosity_fb=config["luminosity_fb"],
    script:
        "../scripts/train_cnn.py"


rule score_events:
    """CNN output of every event of the validation and test splits."""
    input:
        images=IMAGE_FILES,
        checkpoint=RESULTS / f"models/cnn/seed{config['seed']}/best.ckpt",
        modules=package_modules("datasets", "models", "training"),
    output:
        RESULTS / "scores/cnn.h5",
    log:
        RESULTS / "logs/score_events.log",
    benchmark:
        RESULTS / "benchmarks/score_events.tsv"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=60,
    params:
        device=config["train"]["device"],
    script:
        "../scripts/score_events.py"
