"""What the jobs of a run cost, at its end."""


rule write_run_summary:
    """Jobs, failures, time, memory, events/s and bytes of every stage, when all but the report is there."""
    input:
        plots=figure_files(RESULT_SECTIONS),
        tables=[path for section in RESULT_SECTIONS for path in section["tables"]],
        numbers=[RESULTS / f"metrics/{name}.json" for name in NUMBERS],
        hepdata=RESULTS / "hepdata",
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
    params:
        code=code_of(
            "write_run_summary",
            "stages.run_summary",
            "jobs.attempts",
            "core.markdown",
            "jobs.run_summary",
        ),
    script:
        "../scripts/write_run_summary.py"
