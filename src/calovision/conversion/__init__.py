"""ROOT ntuples to image files: jets, selection, images, weights, split.

Reading, building and writing overlap; several files are converted in processes of their own.
"""

from calovision.conversion.files import convert_ntuple, convert_ntuples
from calovision.conversion.recipe import ImageRecipe, WeightOptions

__all__ = ["ImageRecipe", "WeightOptions", "convert_ntuple", "convert_ntuples"]
