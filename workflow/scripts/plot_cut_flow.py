from pathlib import Path

from calovision.jobs.logs import job_log
from calovision.plotting import plot_cut_flow, save_figure
from calovision.storage import ImageCollection, read_file_list

with job_log(snakemake.log[0]) as record:
    collection = ImageCollection(read_file_list(snakemake.input.images))
    record.count(len(collection))
    flows = {sample: collection.cut_flow(sample) for sample in collection.samples}
    figure = plot_cut_flow(flows, names=snakemake.params.titles)
    save_figure(figure, Path(snakemake.output.cut_flow).with_suffix(""))
