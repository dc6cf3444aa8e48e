"""ROOT ntuples to image files: a job per file, or per images.events_per_job entries."""


rule build_images:
    """Jets, preselection, images and event variables of a ntuple, of a part of one, or of several."""
    input:
        ntuples=lambda wildcards: local_files(chunk_of(wildcards)),
    output:
        RESULTS / "images/{sample}/{chunk}.h5",
    log:
        RESULTS / "logs/build_images/{sample}/{chunk}.log",
    benchmark:
        RESULTS / "benchmarks/build_images/{sample}/{chunk}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        job=image_params,
        recipe=IMAGE_RECIPE,
        code=code_of("build_images", *IMAGE_MODULES),
    script:
        "../scripts/build_images.py"


localrules:
    list_images,


rule list_images:
    """The image files of all samples: later rules have this list as their input, not thousands of files each."""
    input:
        IMAGE_FILES,
    output:
        IMAGE_LIST,
    log:
        RESULTS / "logs/list_images.log",
    script:
        "../scripts/list_images.py"
