"""File systems without locks, and files that other processes hold."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import write_image_file

from calovision.core.errors import InputError
from calovision.storage import (
    ImageCollection,
    ImageFile,
    export_dense,
    import_hep_cnn,
    read_table,
    write_table,
)

TESTS = Path(__file__).parent
NO_LOCKS = """
#include <errno.h>
#include <stdlib.h>
int flock(int file, int operation) { errno = atoi(getenv("CALOVISION_TEST_ERRNO")); return -1; }
"""
ALL_OF_IT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from fakes import make_images, write_image_file
from calovision.storage import ImageCollection, export_dense, merge_image_files
from calovision.storage import read_scores, write_scores
folder = Path(sys.argv[1])
files = [write_image_file(folder / f"{{name}}.h5", images=make_images(3, seed=1)) for name in "ab"]
merge_image_files(files, folder / "c.h5", compression="blosc2")
collection = ImageCollection([folder / "c.h5"])
write_scores(folder / "s.h5", collection, [0, 5], __import__("numpy").array([0.25, 0.5]))
scores = read_scores(folder / "s.h5", collection, [0, 5])
print(export_dense(files, folder / "d.h5"), scores.tolist())
print((collection.dense([5, 0, 1])[:2] == make_images(3, seed=1)[[2, 0]]).all())
"""


@pytest.fixture(scope="module")
def without_locks(tmp_path_factory):
    """A library that takes the place of the system's flock; skipped where there is no compiler for
    it."""
    folder = tmp_path_factory.mktemp("shim")
    (folder / "flock.c").write_text(NO_LOCKS)
    try:
        done = subprocess.run(
            ["cc", "-shared", "-fPIC", "-o", "flock.so", "flock.c"], cwd=folder, capture_output=True
        )
    except OSError:
        pytest.skip("no C compiler here")
    if done.returncode:
        pytest.skip("the C compiler makes no shared library here")
    return folder / "flock.so"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_file_system_without_locks(tmp_path, without_locks, number):
    """All is written and read as where there are locks."""
    environment = os.environ | {
        "LD_PRELOAD": str(without_locks),
        "CALOVISION_TEST_ERRNO": str(number),
    }
    program = ALL_OF_IT.format(tests=str(TESTS))
    result = subprocess.run(
        [sys.executable, "-c", program, tmp_path], env=environment, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (0, "6 [0.25, 0.5]\nTrue\n"), result.stderr


def test_file_that_another_process_holds(tmp_path):
    """The file is as good as before: it is not to be built again."""
    path = write_image_file(tmp_path / "a.h5", 5)
    write_table(tmp_path / "t.h5", {"x": ImageFile(path).events["ht"]})
    held = r": another process holds it open for writing: wait .* set HDF5_USE_FILE_LOCKING=FALSE$"
    with path.open("rb") as one, (tmp_path / "t.h5").open("rb") as other:
        for file in (one, other):  # as HDF5 locks what it writes
            fcntl.flock(file, fcntl.LOCK_EX)
        for read in (
            lambda: ImageFile(path),
            lambda: ImageCollection([path]),
            lambda: export_dense(path, tmp_path / "b.h5"),
            lambda: import_hep_cnn(path, tmp_path),
        ):
            with pytest.raises(InputError, match=rf"a\.h5{held}"):
                read()
        with pytest.raises(InputError, match=rf"t\.h5{held}"):
            read_table(tmp_path / "t.h5")
        program = "import sys; from calovision import ImageFile; print(len(ImageFile(sys.argv[1])))"
        environment = os.environ | {"HDF5_USE_FILE_LOCKING": "FALSE"}
        result = subprocess.run(
            [sys.executable, "-c", program, path], env=environment, capture_output=True, text=True
        )
        assert result.stdout == "5\n", result.stderr
    assert len(ImageFile(path)) == 5


def test_file_that_cannot_be_opened_says_why(tmp_path, monkeypatch):
    path = write_image_file(tmp_path / "a.h5", 5)

    def refuse(*_, **__):
        raise OSError(errno.EIO, "Unable to synchronously open file (file read failed)")

    monkeypatch.setattr("calovision.storage.hdf5.opening.OpenedFile", refuse)
    with pytest.raises(
        InputError, match=r"a\.h5: not a readable HDF5 file \(Input/output error\)$"
    ):
        ImageFile(path)
