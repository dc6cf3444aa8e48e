"""Lists of image files: what they hold, when they change, and what is said of a file that is
gone."""

import os
from pathlib import Path

import pytest

from calovision.core.errors import InputError
from calovision.storage import read_file_list, write_file_list


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "b.h5", tmp_path / "my folder" / "a.h5"]
    paths[1].parent.mkdir()
    for number, path in enumerate(paths):
        path.write_bytes(bytes(3 + number))
        os.utime(path, ns=(0, 1_000_000_007 + number))
    return paths


def test_files_in_their_order(tmp_path: Path, files: list[Path]) -> None:
    path = tmp_path / "images.tsv"
    write_file_list(path, files)
    assert path.read_text() == "./b.h5\t3\t1000000007\n./my folder/a.h5\t4\t1000000008\n"
    assert read_file_list(path) == files
    assert read_file_list(str(path)) == files


def test_list_moves_with_its_files(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies elsewhere keeps its path; lists of earlier versions hold paths from the working
    folder."""
    elsewhere = tmp_path / "elsewhere.h5"
    (tmp_path / "results").mkdir()
    inside = tmp_path / "results/a.h5"
    for path in (elsewhere, inside):
        path.touch()
    write_file_list(tmp_path / "results/images.tsv", [inside, elsewhere])
    (tmp_path / "results").rename(tmp_path / "moved")
    assert read_file_list(tmp_path / "moved/images.tsv") == [tmp_path / "moved/a.h5", elsewhere]
    monkeypatch.chdir(tmp_path)
    write_file_list(Path("moved/images.tsv"), [Path("moved/a.h5")])
    assert Path("moved/images.tsv").read_text().startswith("./a.h5\t")
    Path("moved/images.tsv").write_text("moved/a.h5\t0\t0\n")
    assert read_file_list(Path("moved/images.tsv")) == [Path("moved/a.h5")]


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_file_built_again_changes_the_list(
    tmp_path: Path, files: list[Path], change: str
) -> None:
    """Snakemake compares the contents of small files, and would not run again what has read the
    images."""
    path = tmp_path / "images.tsv"
    write_file_list(path, files)
    before = path.read_text()
    if change == "size":
        files[0].write_bytes(bytes(5))
    os.utime(files[0], ns=(0, 1_000_000_007 + (change == "time")))
    write_file_list(path, files)
    assert path.read_text() != before


def test_missing_files_and_lists(tmp_path: Path, files: list[Path]) -> None:
    path = tmp_path / "images.tsv"
    write_file_list(path, files)
    files[1].unlink()
    with pytest.raises(
        InputError, match=r"a\.h5 is listed in .*images\.tsv but no longer there: remove the list"
    ):
        read_file_list(path)
    with pytest.raises(
        InputError, match=r"none\.tsv: no readable list of image files; make it again"
    ):
        read_file_list(tmp_path / "none.tsv")


def test_names_that_are_hard_to_write(tmp_path: Path) -> None:
    """Tabs, bytes that are no text, and characters at which some break lines."""
    odd = [
        tmp_path / os.fsdecode(name)
        for name in (b"a\tb.h5", b"\xff\xfe.h5", "a\u2028\x0b\x85.h5".encode())
    ]
    for path in odd:
        path.touch()
    write_file_list(tmp_path / "images.tsv", odd)
    assert read_file_list(tmp_path / "images.tsv") == odd
    (tmp_path / "a\nb.h5").touch()
    with pytest.raises(
        InputError, match=r"a\\nb\.h5': a name with a line break cannot stand in a list"
    ):
        write_file_list(tmp_path / "images.tsv", [tmp_path / "a\nb.h5"])
    assert read_file_list(tmp_path / "images.tsv") == odd


@pytest.mark.parametrize("content", [b"\0", b"x" * 5000, b"name" * 100 + b".h5\t1\t2\n"])
def test_what_is_no_list(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "images.tsv").write_bytes(content)
    with pytest.raises(
        InputError,
        match=r"images\.tsv: no list of image files|is listed in .*images\.tsv but no longer",
    ):
        read_file_list(tmp_path / "images.tsv")
