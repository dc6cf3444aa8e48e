"""ROOT ntuples to image files: jets, selection, images, weights, split.

Reading, building and writing overlap; several files are converted in processes of their own.
"""

from calovision.conversion.files import convert_ntuple
from calovision.conversion.recipe import ImageRecipe, WeightOptions
from calovision.conversion.several import convert_job, convert_ntuples

__all__ = ["ImageRecipe", "WeightOptions", "convert_job", "convert_ntuple", "convert_ntuples"]
