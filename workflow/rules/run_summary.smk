"""The list of its jobs that a run writes when it starts, and what they cost at its end."""


onstart:
    from calovision.run_summary import start_run

    start_run(RESULTS, listed_jobs(workflow.dag), is_complete=is_complete(workflow.dag), logs=log)


onsuccess:
    from calovision.run_summary import end_run

    end_run(RESULTS, succeeded=True)


onerror:
    from calovision.run_summary import end_run

    end_run(RESULTS, succeeded=False)


rule write_run_summary:
    """Jobs, failures, time, memory, events/s and bytes of every stage, when all but the report is there."""
    input:
        plots=figure_files(RESULT_SECTIONS),
        tables=[path for section in RESULT_SECTIONS for path in section["tables"]],
        numbers=[RESULTS / f"metrics/{name}.json" for name in NUMBERS],
        hepdata=RESULTS / "hepdata",
        modules=package_modules("attempts", "run_summary"),
    output:
        **plot_outputs("run_summary"),
        numbers=RESULTS / "metrics/run_summary.json",
        table=RESULTS / "metrics/run_summary.md",
    log:
        RESULTS / "logs/write_run_summary.log",
    benchmark:
        RESULTS / "benchmarks/write_run_summary.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    script:
        "../scripts/write_run_summary.py"
