"""ROOT ntuples to image files: a job per file, or per images.events_per_job entries."""


rule build_images:
    """Jets, preselection, images and event variables of a ntuple, of a part of one, or of several."""
    input:
        ntuples=lambda wildcards: analysis.chunks[wildcards.sample][wildcards.chunk].local_files(),
        beside=lambda wildcards: analysis.files_beside(
            wildcards.sample, analysis.chunks[wildcards.sample][wildcards.chunk]
        ),
        mask=analysis.mask_files(),
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


if analysis.alternatives:

    use rule build_images as build_alternative_images with:
        output:
            results.alternative_images,
        log:
            results.log("build_alternative_images"),
        benchmark:
            results.benchmark("build_alternative_images")
        params:
            job=lambda wildcards: parameters.image_job(analysis, wildcards.sample, wildcards.chunk),
            recipe=lambda wildcards: parameters.alternative_image_recipe(analysis, wildcards.recipe),
            code=code_of("build_alternative_images"),

    localrules:
        list_alternative_images,

    rule list_alternative_images:
        """The image files of all samples with another recipe, of the same jets in the same order."""
        input:
            lambda wildcards: analysis.alternative_image_files(
                wildcards.recipe, *analysis.training_samples
            ),
        output:
            results.alternative_image_list,
        log:
            results.folder / "logs/list_alternative_images/{recipe}.log",
        script:
            "../scripts/list_images.py"


if analysis.purposes:

    rule compute_variables:
        """Variables of branches for the events of an image file, read from its ROOT files."""
        input:
            images=results.images,
            ntuples=lambda wildcards: analysis.chunks[wildcards.sample][
                wildcards.chunk
            ].local_files(),
            beside=lambda wildcards: analysis.files_beside(
                wildcards.sample, analysis.chunks[wildcards.sample][wildcards.chunk]
            ),
        output:
            results.variables,
        log:
            results.log("compute_variables"),
        benchmark:
            results.benchmark("compute_variables")
        threads: analysis.threads("compute_variables")
        resources:
            mem_mb=analysis.memory("compute_variables"),
            runtime=analysis.runtime("compute_variables"),
        params:
            job=lambda wildcards: parameters.image_job(analysis, wildcards.sample, wildcards.chunk),
            wanted=lambda wildcards: parameters.tabulated_variables(analysis, wildcards.purpose),
            code=code_of("compute_variables"),
        script:
            "../scripts/compute_variables.py"

    localrules:
        list_variables,

    rule list_variables:
        """The tables of variables of all samples: an input of the rules that use them."""
        input:
            lambda wildcards: analysis.variable_files(wildcards.purpose, *analysis.training_samples),
        output:
            results.variable_list,
        log:
            results.folder / "logs/list_variables/{purpose}.log",
        script:
            "../scripts/list_variables.py"


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
