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


rule make_reference:
    """Rates and energies of good runs, with their spread; others of them are held out for the thresholds."""
    input:
        maps=results.merged_run_maps,
    output:
        reference=results.reference,
        good_runs=results.good_runs,
    log:
        results.log("make_reference"),
    benchmark:
        results.benchmark("make_reference")
    threads: analysis.threads("make_reference")
    resources:
        mem_mb=analysis.memory("make_reference"),
        runtime=analysis.runtime("make_reference"),
    params:
        good_runs=parameters.good_runs(analysis),
        code=code_of("make_reference"),
    script:
        "../scripts/make_reference.py"


rule monitor_runs:
    """Scores of all runs, thresholds for the wanted rate of false alarms, and the table of flags."""
    input:
        maps=results.merged_run_maps,
        reference=results.reference,
        good_runs=results.good_runs,
        networks=analysis.monitor_files(),
        known=analysis.known_files(),
    output:
        flags=results.flags,
        table=results.flag_table,
        text=results.flag_text,
        summary=results.table("monitoring"),
    log:
        results.log("monitor_runs"),
    benchmark:
        results.benchmark("monitor_runs")
    threads: analysis.threads("monitor_runs")
    resources:
        mem_mb=analysis.memory("monitor_runs"),
        runtime=analysis.runtime("monitor_runs"),
    params:
        options=parameters.flag_options(analysis),
        trained=analysis.trained_methods,
        code=code_of("monitor_runs"),
    script:
        "../scripts/monitor_runs.py"
