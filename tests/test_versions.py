"""Versions of the package: of the process that submits a job, and of those that wrote files which
are read together."""

import logging

import pytest
from fakes import write_image_file

from calovision.core.errors import InputError
from calovision.jobs import submission
from calovision.jobs.logs import job_log
from calovision.storage import ImageCollection, merge_image_files

pytestmark = pytest.mark.usefixtures("own_logging")


def write_files(folder, *versions):
    return [
        write_image_file(folder / f"{k}.h5", package_version=version, seed=k)
        for k, version in enumerate(versions)
    ]


@pytest.mark.parametrize("versions", [("0.1.0", "0.1.0"), ("0.1.0", ""), ("", ""), ("2.3",)])
def test_files_of_one_version(tmp_path, caplog, versions):
    assert len(ImageCollection(write_files(tmp_path, *versions))) == 20 * len(versions)
    assert caplog.text == ""


def test_files_of_versions_that_differ_in_the_third_part(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert len(ImageCollection(write_files(tmp_path, "0.1.0", "0.1.3", "0.1.3"))) == 60
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/1.h5 was written by calovision 0.1.3, and {tmp_path}/0.h5 by 0.1.0"
    ]


@pytest.mark.parametrize("other", ["0.2.0", "1.1.0", "0.10.0", "unknown"])
def test_files_of_versions_that_do_not_fit(tmp_path, other):
    paths = write_files(tmp_path, "0.1.0", "0.1.0", other)
    message = (
        rf"2\.h5 was written by calovision {other}, but .*0\.h5 by 0\.1\.0, whose images "
        r"may differ: build the"
    )
    with pytest.raises(InputError, match=message):
        ImageCollection(paths)
    with pytest.raises(InputError, match=message):
        merge_image_files(paths, tmp_path / "all.h5")
    assert not (tmp_path / "all.h5").exists()


def test_job_of_another_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(submission.VARIABLE, "9.8.7")
    message = (
        "calovision: CALOVISION_VERSION: this job was submitted by calovision 9.8.7, but .* "
        "is installed where it"
    )
    with pytest.raises(SystemExit, match=message), job_log(tmp_path / "a.log"):
        raise AssertionError("the job ran")
    assert "submitted by calovision 9.8.7" in (tmp_path / "a.log").read_text()


@pytest.mark.parametrize("submitter", [None, "", submission.version("calovision")])
def test_job_of_the_same_version_runs(tmp_path, monkeypatch, submitter):
    monkeypatch.delenv(submission.VARIABLE, raising=False)
    if submitter is not None:
        monkeypatch.setenv(submission.VARIABLE, submitter)
    ran = []
    with job_log(tmp_path / "a.log"):
        ran.append(True)
    assert ran == [True]
