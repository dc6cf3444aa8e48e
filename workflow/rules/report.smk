"""Plots of the training and of the cuts, and the report."""

if analysis.has_networks:

    rule plot_training:
        """Learning curves of every network."""
        input:
            histories=analysis.network_files(results.history),
        output:
            **results.plots(*report_content.figure_names(analysis, "plot_training")),
        log:
            results.log("plot_training"),
        benchmark:
            results.benchmark("plot_training")
        threads: analysis.threads("plot_training")
        resources:
            mem_mb=analysis.memory("plot_training"),
            runtime=analysis.runtime("plot_training"),
        params:
            networks=analysis.networks,
            class_titles=tagging.class_titles(analysis.configuration),
            class_colors=tagging.class_colors(analysis.configuration),
            figures=report_content.figure_calls(analysis, "plot_training"),
            code=code_of("plot_training"),
        script:
            "../scripts/plot_training.py"

    rule plot_cut_flow:
        """Share of the generated events after every cut of the preselection."""
        input:
            images=results.image_list,
        output:
            **results.plots(*report_content.figure_names(analysis, "plot_cut_flow")),
        log:
            results.log("plot_cut_flow"),
        benchmark:
            results.benchmark("plot_cut_flow")
        priority: 20
        threads: analysis.threads("plot_cut_flow")
        resources:
            mem_mb=analysis.memory("plot_cut_flow"),
            runtime=analysis.runtime("plot_cut_flow"),
        params:
            titles=analysis.training_titles,
            figures=report_content.figure_calls(analysis, "plot_cut_flow"),
            code=code_of("plot_cut_flow"),
        script:
            "../scripts/plot_cut_flow.py"


if analysis.explored:

    rule write_explorer:
        """Page to explore the scores and single images in a browser."""
        input:
            images=results.image_list,
            tested=results.test_rows if analysis.is_tagging else results.test_events,
            summary=results.numbers("tagging" if analysis.is_tagging else "summary"),
            samples=results.numbers("samples"),
        output:
            results.explorer,
        log:
            results.log("write_explorer"),
        benchmark:
            results.benchmark("write_explorer")
        threads: analysis.threads("write_explorer")
        resources:
            mem_mb=analysis.memory("write_explorer"),
            runtime=analysis.runtime("write_explorer"),
        params:
            **report_content.explorer_parameters(analysis),
            code=code_of("write_explorer"),
        script:
            "../scripts/write_explorer.py"


rule write_report:
    """One self-contained page, and all its numbers in one table."""
    input:
        **report_content.report_inputs(analysis, with_run=True),
        run_summary=results.numbers("run_summary"),
        hepdata=analysis.hepdata_folders,
        pages=analysis.page_files(),
        explorer=analysis.explored,
    output:
        page=results.report,
        numbers=results.all_numbers,
        configuration=results.configuration,
    log:
        results.log("write_report"),
    benchmark:
        results.benchmark("write_report")
    threads: analysis.threads("write_report")
    resources:
        mem_mb=analysis.memory("write_report"),
        runtime=analysis.runtime("write_report"),
    params:
        **report_content.report_parameters(analysis),
        code=code_of("write_report"),
    script:
        "../scripts/write_report.py"
