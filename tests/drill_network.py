"""A network whose training takes as long as a drill needs."""

import os
import time
from pathlib import Path

from fakes_training import MortalNetwork


class SlowNetwork(MortalNetwork):
    """Waits at every step of the training while the file ``slow`` is in the working folder of the
    drill."""

    def forward(self, images):
        """One logit per image."""
        if self.training and Path(os.environ["CALOVISION_DRILL_FOLDER"], "slow").exists():
            time.sleep(2)
        return super().forward(images)
