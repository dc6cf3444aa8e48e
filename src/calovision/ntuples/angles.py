"""Check of the azimuths of a chunk, of which any number would find some cell of an image: those in
degrees, and what pads arrays of fixed size, would be energy in the wrong place.
"""

from collections.abc import Mapping

import awkward as ak
import numpy as np

from calovision.core.errors import InputError

LARGEST = 100.0
"""rad: sixteen turns. Azimuths of every convention are smaller, also after some turns; a file in
degrees has larger ones soon."""


def check_azimuths(
    collections: Mapping[str, ak.Array | None], path: object, first_entry: int
) -> None:
    """Raise InputError for an azimuth that is finite, but no angle in radians.

    An object that lies nowhere (a pseudorapidity beyond `LARGEST`, or none), or that is no jet
    (without positive pT), may have any.

    Parameters
    ----------
    collections
        Records with phi, ``n * var`` or ``n * var * var``, by name; those without are passed over.
    path, first_entry
        The file, and the entry of the first event, for the sentence.
    """
    for name, collection in collections.items():
        if collection is None or "phi" not in collection.fields:
            continue
        flat = ak.to_numpy(ak.flatten(collection["phi"], axis=None))
        # both comparisons are false for NaN
        if len(flat) == 0 or (flat.max() <= LARGEST and flat.min() >= -LARGEST):
            continue
        wrong = np.isfinite(collection["phi"]) & (abs(collection["phi"]) > LARGEST)
        if "eta" in collection.fields:
            wrong = wrong & (abs(collection["eta"]) < LARGEST)
        if name == "fat_jets" and "pt" in collection.fields:
            wrong = wrong & (collection["pt"] > 0)
        of_event = ak.to_numpy(ak.any(ak.flatten(wrong, axis=-1) if wrong.ndim > 2 else wrong, -1))
        if of_event.any():
            row = int(np.argmax(of_event))
            value = ak.flatten(collection["phi"][row][wrong[row]], axis=None)[0]
            raise InputError(
                f"{path}, entry {first_entry + row}: {name}.phi is {value:.6g}, no angle; give "
                "radians (in the formula of a schema, degrees are * 0.017453292519943295)"
            )
