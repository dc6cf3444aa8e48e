"""ROOT ntuples to image files: jets, selection, images, weights, split.

Reading, building and writing overlap; several files are converted in processes of their own.
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "files": ("convert_ntuple",),
        "jet_blocks": ("JetFileOptions",),
        "particle_arrays": ("ParticleOptions",),
        "particle_import": ("import_particles",),
        "recipe": ("ImageRecipe",),
        "sample": ("Sample", "WeightOptions"),
        "several": ("convert_job", "convert_ntuples"),
        "source": ("Source",),
        "stored": ("StoredRecipe",),
        "streams": ("ImageStream",),
        "top_tagging": ("import_top_tagging",),
    },
)
