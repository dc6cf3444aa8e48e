"""Example ntuples: Pythia 8 events through a parametrized detector."""

if analysis.simulated_samples:

    rule simulate_ntuples:
        """Generate one chunk of a sample."""
        output:
            results.ntuple,
        log:
            results.log("simulate_ntuples"),
        benchmark:
            results.benchmark("simulate_ntuples")
        wildcard_constraints:
            sample="|".join(analysis.simulated_samples),
        threads: analysis.threads("simulate_ntuples")
        resources:
            mem_mb=analysis.memory("simulate_ntuples"),
            runtime=analysis.runtime("simulate_ntuples"),
        params:
            job=lambda wildcards: parameters.simulation_job(
                analysis, wildcards.sample, wildcards.chunk
            ),
            seed=config["seed"],
            code=code_of("simulate_ntuples"),
        script:
            "../scripts/simulate_ntuples.py"
