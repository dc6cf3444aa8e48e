"""ROOT ntuples to image files, one job per file."""


rule build_images:
    """Jets, preselection, images and event variables of one ntuple."""
    input:
        ntuple=lambda wildcards: local_file(CHUNKS[wildcards.sample][wildcards.chunk]),
        modules=package_modules(
            "conversion",
            "grid",
            "images",
            "jet_images",
            "jets",
            "kinematics",
            "ntuples",
            "selection",
            "splits",
            "storage",
        ),
    output:
        RESULTS / "images/{sample}/{chunk}.h5",
    log:
        RESULTS / "logs/build_images/{sample}/{chunk}.log",
    benchmark:
        RESULTS / "benchmarks/build_images/{sample}/{chunk}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=60,
    params:
        ntuple=lambda wildcards: CHUNKS[wildcards.sample][wildcards.chunk],
        n_files=lambda wildcards: len(CHUNKS[wildcards.sample]),
        sample=sample_params,
        images=config["images"],
        fat_jets=config["fat_jets"],
        event_content=config["event_content"],
        variation=None,
        preselection=config["selection"]["preselection"],
        split=split_params,
        seed=config["seed"],
    script:
        "../scripts/build_images.py"
