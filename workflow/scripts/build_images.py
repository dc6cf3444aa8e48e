from calovision.conversion import ImageRecipe, convert_ntuple
from calovision.grid import EtaPhiGrid
from calovision.jets import FatJetDefinition
from calovision.logs import job_log

with job_log(snakemake.log[0]):
    images, sample = snakemake.params.images, snakemake.params.sample
    recipe = ImageRecipe(
        grid=EtaPhiGrid(*images["grid"], tuple(images["eta_range"])),
        channels=tuple(images["channels"]),
        fat_jets=FatJetDefinition(**snakemake.params.fat_jets),
        preselection=snakemake.params.preselection,
        split_seed=snakemake.params.seed,
        split_fractions=tuple(snakemake.params.split["fractions"]),
    )
    convert_ntuple(
        snakemake.input.ntuple,
        snakemake.output[0],
        recipe,
        sample=snakemake.wildcards.sample,
        label=sample["label"],
        schema=sample["schema"] or "calovision",
        cross_section_pb=sample["cross_section_pb"],
        chunk_size=images["chunk_size"],
    )
