"""Compiled functions, where their cache cannot be written, or is damaged."""

import errno
import importlib.util
import logging

import numba
import pytest
from numba.core import caching

from calovision.core import compiled

SOURCE = """
from calovision.core.compiled import njit

@njit(nogil=True)
def doubled(x):
    return x + x
"""


@pytest.fixture
def load(tmp_path, monkeypatch, caplog):
    """Loads the function as a new process does; its cache is in the folder ``kept``."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    compiled._tell.cache_clear()
    caplog.set_level(logging.WARNING)
    source = tmp_path / "functions.py"
    source.write_text(SOURCE)

    def loaded():
        spec = importlib.util.spec_from_file_location("functions", source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.doubled

    return loaded


def hits(function):
    return sum(function.stats.cache_hits.values())


def test_kept_for_the_next_start(load, caplog):
    first = load()
    assert first(2.5) == 5.0
    second = load()
    assert second(2.5) == 5.0
    assert (hits(first), hits(second)) == (0, 1)
    assert not caplog.records


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("content", [b"", b"\x80\x04K", b"nothing of numba", bytes(3000)])
def test_damaged_cache_is_made_anew(load, tmp_path, suffix, content):
    load()(2.5)
    (path,) = (tmp_path / "kept").rglob(f"*.{suffix}")
    path.write_bytes(content)
    again = load()
    assert again(2.5) == 5.0
    assert hits(again) == 0
    last = load()
    assert last(2.5) == 5.0
    assert hits(last) == 1


def test_full_disk_costs_time_only(load, monkeypatch, caplog):
    def full(*of):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    for _ in range(2):
        function = load()
        assert function(2.5) == 5.0
        assert hits(function) == 0
    (record,) = caplog.records
    assert "cannot be kept in" in record.message
    assert "(No space left on device)" in record.message
    assert "set NUMBA_CACHE_DIR" in record.message


def test_no_folder_costs_time_only(load, monkeypatch, caplog):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    assert load()(2.5) == 5.0
    (record,) = caplog.records
    assert "numba finds no folder" in record.message
