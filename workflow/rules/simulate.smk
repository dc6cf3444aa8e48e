"""Example ntuples: Pythia 8 events through a parametrized detector."""

if SIMULATED:

    rule simulate_ntuples:
        """Generate one chunk of a sample."""
        output:
            RESULTS / "ntuples/{sample}/{chunk}.root",
        log:
            RESULTS / "logs/simulate_ntuples/{sample}/{chunk}.log",
        benchmark:
            RESULTS / "benchmarks/simulate_ntuples/{sample}/{chunk}.tsv"
        wildcard_constraints:
            sample="|".join(SIMULATED),
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 1000 * attempt,
            runtime=lambda wildcards, attempt: 30 * attempt,
        params:
            job=simulation_params,
            seed=config["seed"],
            code=code_of("simulate_ntuples", "stages.simulation", "simulation"),
        script:
            "../scripts/simulate_ntuples.py"
