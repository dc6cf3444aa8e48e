"""Costs of the jobs of a run, at its end."""


rule write_run_summary:
    """Jobs, failures, time, memory, events/s and bytes of every stage, when all but the report is there."""
    input:
        **report_content.report_inputs(analysis, with_run=False),
        hepdata=analysis.hepdata_folders,
        pages=analysis.page_files(),
        explorer=analysis.explored,
        application=analysis.application_files(),
    output:
        **results.plots(*report_content.figure_names(analysis, "write_run_summary")),
        numbers=results.numbers("run_summary"),
        table=results.table("run_summary"),
    log:
        results.log("write_run_summary"),
    benchmark:
        results.benchmark("write_run_summary")
    threads: analysis.threads("write_run_summary")
    resources:
        mem_mb=analysis.memory("write_run_summary"),
        runtime=analysis.runtime("write_run_summary"),
    params:
        figures=report_content.figure_calls(analysis, "write_run_summary"),
        code=code_of("write_run_summary"),
    script:
        "../scripts/write_run_summary.py"
