"""The blocks of docs/library.md run one after the other."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from fakes import write_two_samples

PAGE = (Path(__file__).parents[1] / "docs" / "library.md").read_text()
BLOCKS = re.findall(r"(<!-- needs .*? -->\n)?```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_blocks_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, name in zip(write_two_samples(tmp_path), ("signal.h5", "background.h5"), strict=True):
        path.rename(name)
    names = {}
    for needs, code in BLOCKS:
        if not needs:
            # two workers are tried in test_datasets_dataset.py
            exec(code.replace("num_workers=2", "num_workers=0"), names)
    assert names["shared"].shape == (3, 2, 64, 64)
    assert names["sparse"].to_dense().equal(names["dense"])
    assert np.array_equal(names["array"], names["dense"].numpy())
    assert names["scores"].shape == names["some"].shape[:1] == (3,)
    assert len(names["labels"]) == len(names["weights"]) == len(names["numbers"])
    assert [names[name].name for name in ("background", "signal")] == ["background.h5", "signal.h5"]
    soft, hard = 9 * np.sqrt(0.02), 200 * np.sqrt(0.18)  # pT times the distance to the first axis
    np.testing.assert_allclose(names["variables"]["tau21"], [soft / (soft + hard)])
    assert names["worst"] == (7, 0, 6, 9)
    assert names["padded"].dense()[:, :2].sum(axis=(1, 2, 3)).round(5).tolist() == [1.0] * 5
    assert names["done"].image.to_numpy().sum() == 150.0
    for needs, code in BLOCKS:
        if needs and find_spec("dask_awkward"):
            exec(code, names)
            assert np.array_equal(names["image"].to_numpy(), names["first"])
