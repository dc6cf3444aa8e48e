"""Monitoring of a detector: maps of runs, a reference, networks, a study of faults, flags, pages."""


rule build_run_maps:
    """Occupancy and energy of each cell and run of a ROOT file."""
    input:
        ntuples=lambda wildcards: analysis.chunks[wildcards.sample][wildcards.chunk].local_files(),
        beside=lambda wildcards: analysis.files_beside(
            wildcards.sample, analysis.chunks[wildcards.sample][wildcards.chunk]
        ),
    output:
        results.run_maps,
    log:
        results.log("build_run_maps"),
    benchmark:
        results.benchmark("build_run_maps")
    threads: analysis.threads("build_run_maps")
    resources:
        mem_mb=analysis.memory("build_run_maps"),
        runtime=analysis.runtime("build_run_maps"),
    params:
        job=lambda wildcards: parameters.run_map_job(analysis, wildcards.sample, wildcards.chunk),
        layout=parameters.run_map_layout(analysis),
        code=code_of("build_run_maps"),
    script:
        "../scripts/build_run_maps.py"


rule merge_run_maps:
    """Maps of all files, those of a run added up."""
    input:
        maps=analysis.run_map_files(),
    output:
        results.merged_run_maps,
    log:
        results.log("merge_run_maps"),
    benchmark:
        results.benchmark("merge_run_maps")
    threads: analysis.threads("merge_run_maps")
    resources:
        mem_mb=analysis.memory("merge_run_maps"),
        runtime=analysis.runtime("merge_run_maps"),
    params:
        code=code_of("merge_run_maps"),
    script:
        "../scripts/merge_run_maps.py"
