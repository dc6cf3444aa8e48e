"""Scores of samples that nothing else looks at, as data: a friend tree for each of their files."""

if analysis.application_samples:

    rule score_application:
        """Mean score of the networks of the first model for every entry of a ROOT file."""
        input:
            ntuples=lambda wildcards: analysis.application_chunks[wildcards.sample][
                wildcards.file
            ].local_files(),
            beside=lambda wildcards: analysis.files_beside(
                wildcards.sample, analysis.application_chunks[wildcards.sample][wildcards.file]
            ),
            weights=analysis.application_networks(results.weights),
            models=analysis.application_networks(results.model),
        output:
            results.application,
        log:
            results.log("score_application"),
        benchmark:
            results.benchmark("score_application")
        wildcard_constraints:
            sample="|".join(analysis.application_samples),
        threads: analysis.threads("score_application")
        resources:
            mem_mb=analysis.memory("score_application"),
            runtime=analysis.runtime("score_application"),
        params:
            job=lambda wildcards: parameters.application_job(
                analysis, wildcards.sample, wildcards.file
            ),
            options=parameters.scoring_options(analysis, analysis.first_model),
            code=code_of("score_application"),
        script:
            "../scripts/score_application.py"
