"""Image files whose rows or attributes are altered behind the back of their accounts."""

from dataclasses import replace

import numpy as np

from calovision.storage import ImageFile, ImageFileWriter


def rewrite(path, *, keep=None, columns=None, **attributes):
    """Write an image file again with some of its rows, other columns, other attributes."""
    file = ImageFile(path)
    rows = np.arange(len(file)) if keep is None else np.asarray(keep)
    events = {name: values[rows] for name, values in (dict(file.events) | (columns or {})).items()}
    images, metadata = file.sparse(rows), replace(file.metadata, **attributes)
    with ImageFileWriter(path, metadata.image_shape) as writer:
        writer.append(images, events)
        writer.close(metadata)
    return path
