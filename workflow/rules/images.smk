"""ROOT ntuples to image files: a job per file, or per images.events_per_job entries."""


rule build_images:
    """Jets, preselection, images and event variables of a ntuple, of a part of one, or of several."""
    input:
        ntuples=lambda wildcards: analysis.chunks[wildcards.sample][wildcards.chunk].local_files(),
        beside=lambda wildcards: analysis.files_beside(
            wildcards.sample, analysis.chunks[wildcards.sample][wildcards.chunk]
        ),
    output:
        results.images,
    log:
        results.log("build_images"),
    benchmark:
        results.benchmark("build_images")
    threads: analysis.threads("build_images")
    resources:
        mem_mb=analysis.memory("build_images"),
        runtime=analysis.runtime("build_images"),
    params:
        job=lambda wildcards: parameters.image_job(analysis, wildcards.sample, wildcards.chunk),
        recipe=parameters.image_recipe(analysis),
        code=code_of("build_images"),
    script:
        "../scripts/build_images.py"


localrules:
    list_images,


rule list_images:
    """The image files of all samples: later rules have this list as their input, not thousands of files each."""
    input:
        analysis.image_files(*analysis.training_samples),
    output:
        results.image_list,
    log:
        results.folder / "logs/list_images.log",
    script:
        "../scripts/list_images.py"
