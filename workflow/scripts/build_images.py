from calovision.conversion import ImageRecipe, WeightOptions, convert_job
from calovision.conversion.variations import Variation
from calovision.images.grid import EtaPhiGrid
from calovision.jets import EventContent, FatJetDefinition
from calovision.jobs.compilation import skip_numba_extensions
from calovision.jobs.logs import job_log

skip_numba_extensions()
with job_log(snakemake.log[0]) as record:
    job, params = snakemake.params.job, snakemake.params.recipe
    sample, images, content, variation = (
        job["sample"],
        params["images"],
        params["event_content"],
        params["variation"],
    )
    edges = images["eta_edges"]
    recipe = ImageRecipe(
        grid=EtaPhiGrid(
            *images["grid"], tuple(images["eta_range"]), None if edges is None else tuple(edges)
        ),
        channels=tuple(images["channels"]),
        fat_jets=FatJetDefinition(**params["fat_jets"]),
        content=None if content is None else EventContent(**content),
        variation=None if variation is None else Variation.from_mapping(variation),
        preselection=params["preselection"],
        split_seed=params["seed"],
        split_fractions=tuple(job["split"]["fractions"]),
        split_group=job["split"].get("group"),
    )
    weights = WeightOptions(**(sample["weights"] or {}))
    options = {key: sample[key] for key in ("label", "schema", "tree", "cross_section_pb")}
    options |= {"on_bad_file": images["on_bad_file"], "progress": record.count}
    # no parameters, since they decide no result
    of_job = snakemake.config["images"]
    options |= {"chunk_size": of_job["chunk_size"], "retries": of_job["remote_retries"]}
    compression = None if images["compression"] == "none" else images["compression"]
    name = snakemake.wildcards.sample
    convert_job(
        **job["chunk"],
        output=snakemake.output[0],
        recipe=recipe,
        sample=name,
        weights=weights,
        compression=compression,
        **options,
    )
