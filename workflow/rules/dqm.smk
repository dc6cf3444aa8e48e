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


if analysis.trained_methods:

    rule train_monitor:
        """A network that watches runs, trained on the good runs of the reference."""
        input:
            maps=results.merged_run_maps,
            reference=results.reference,
        output:
            results.monitor,
        log:
            results.log("train_monitor"),
        benchmark:
            results.benchmark("train_monitor")
        threads: analysis.threads("train_monitor")
        resources:
            mem_mb=analysis.memory("train_monitor"),
            runtime=analysis.runtime("train_monitor"),
        params:
            seed=config["seed"],
            code=code_of("train_monitor"),
        script:
            "../scripts/train_monitor.py"


if analysis.has_study:

    rule study_faults:
        """Find faults that are put into good runs with all methods."""
        input:
            reference=results.reference,
            networks=analysis.monitor_files(),
        output:
            figures=results.study,
            numbers=results.numbers("monitoring_study"),
            table=results.table("monitoring_study"),
        log:
            results.log("study_faults"),
        benchmark:
            results.benchmark("study_faults")
        threads: analysis.threads("study_faults")
        resources:
            mem_mb=analysis.memory("study_faults"),
            runtime=analysis.runtime("study_faults"),
        params:
            options=parameters.fault_study(analysis),
            methods=config["monitoring"]["methods"],
            trained=analysis.trained_methods,
            code=code_of("study_faults"),
        script:
            "../scripts/study_faults.py"


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
        numbers=results.numbers("monitoring"),
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


rule plot_monitoring:
    """The reference, flagged towers against the run, and what the methods find."""
    input:
        reference=results.reference,
        flags=results.flags,
        study=analysis.study_files(),
    output:
        **results.plots(*report_content.figure_names(analysis, "plot_monitoring")),
    log:
        results.log("plot_monitoring"),
    benchmark:
        results.benchmark("plot_monitoring")
    threads: analysis.threads("plot_monitoring")
    resources:
        mem_mb=analysis.memory("plot_monitoring"),
        runtime=analysis.runtime("plot_monitoring"),
    params:
        figures=report_content.figure_calls(analysis, "plot_monitoring"),
        code=code_of("plot_monitoring"),
    script:
        "../scripts/plot_monitoring.py"


rule write_run_pages:
    """A page for each run with alarms, with maps and histories, and one that links them."""
    input:
        maps=results.merged_run_maps,
        reference=results.reference,
        flags=results.flags,
    output:
        directory(results.run_pages),
    log:
        results.log("write_run_pages"),
    benchmark:
        results.benchmark("write_run_pages")
    threads: analysis.threads("write_run_pages")
    resources:
        mem_mb=analysis.memory("write_run_pages"),
        runtime=analysis.runtime("write_run_pages"),
    params:
        most=config["monitoring"]["pages"],
        code=code_of("write_run_pages"),
    script:
        "../scripts/write_run_pages.py"
