"""Event accounting: nothing is lost and nothing counts twice, from ROOT files to scores."""

from calovision.workflow import accounting

if analysis.has_networks:

    rule check_images:
        """Image files against their ROOT files, counted again: before anything is learned from them."""
        input:
            images=results.image_list,
            alternatives=accounting.alternative_lists(analysis),
            reach=analysis.image_files(*analysis.reach_samples),
            varied=analysis.varied_image_files(*analysis.variations),
            ntuples=accounting.ntuples_of_images(analysis),
        output:
            results.image_accounts,
        log:
            results.log("check_images"),
        benchmark:
            results.benchmark("check_images")
        priority: 30
        threads: analysis.threads("check_images")
        resources:
            mem_mb=analysis.memory("check_images"),
            runtime=analysis.runtime("check_images"),
        params:
            **accounting.image_account_parameters(analysis),
            code=code_of("check_images"),
        script:
            "../scripts/check_images.py"

    rule check_accounting:
        """Events added up from the ROOT files to the scores and tables; a difference stops the run."""
        input:
            images=results.image_list,
            alternatives=accounting.alternative_lists(analysis),
            variables=analysis.variable_lists("comparison"),
            image_accounts=results.image_accounts,
            scores=analysis.network_files(results.scores),
            models=analysis.network_files(results.model),
            rows=accounting.table_of_rows(analysis),
            reach=analysis.image_files(*analysis.reach_samples),
            reach_scores=analysis.reach_score_files(),
            varied=analysis.varied_image_files(*analysis.variations),
            varied_scores=analysis.varied_score_files(),
            applied=analysis.application_files(),
            applied_ntuples=accounting.ntuples_of_applications(analysis),
        output:
            numbers=results.numbers("accounting"),
            table=results.table("accounting"),
        log:
            results.log("check_accounting"),
        benchmark:
            results.benchmark("check_accounting")
        threads: analysis.threads("check_accounting")
        resources:
            mem_mb=analysis.memory("check_accounting"),
            runtime=analysis.runtime("check_accounting"),
        params:
            **accounting.accounting_parameters(analysis),
            code=code_of("check_accounting"),
        script:
            "../scripts/check_accounting.py"

else:

    rule check_runs:
        """Events of the runs from the ROOT files, counted again, to the merged maps."""
        input:
            maps=analysis.run_map_files(),
            merged=results.merged_run_maps,
            ntuples=accounting.ntuples_of_runs(analysis),
        output:
            numbers=results.numbers("accounting"),
            table=results.table("accounting"),
        log:
            results.log("check_runs"),
        benchmark:
            results.benchmark("check_runs")
        threads: analysis.threads("check_runs")
        resources:
            mem_mb=analysis.memory("check_runs"),
            runtime=analysis.runtime("check_runs"),
        params:
            sources=accounting.run_sources(analysis),
            code=code_of("check_runs"),
        script:
            "../scripts/check_runs.py"
