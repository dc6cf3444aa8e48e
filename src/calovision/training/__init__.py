"""Training of a network on image files, with Lightning."""

from calovision.training.monitoring import HISTORY
from calovision.training.options import TrainingOptions
from calovision.training.run import train_network

__all__ = ["HISTORY", "TrainingOptions", "train_network"]
