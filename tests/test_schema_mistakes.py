"""Wrong schemas, each with the whole sentence that it ends with: line, key, what would be right."""

import json

import pytest
import yaml
from conftest import REPOSITORY

from calovision.core.errors import InputError
from calovision.ntuples.schema_names import lines_that_name
from calovision.ntuples.schemas import find_schema
from calovision.ntuples.schemas.custom.keys import COLLECTIONS, KEYS

MISTAKES = yaml.safe_load((REPOSITORY / "tests/data/wrong_schemas.yaml").read_text())


def listed(keys):
    return ", ".join(key.name for key in keys)


def sentence(mistake):
    """The sentence, with the keys in their places."""
    text = mistake["says"].replace("{keys of the file}", listed(KEYS))
    for name, collection in COLLECTIONS.items():
        text = text.replace(f"{{keys of {name}}}", listed(collection.keys))
    return text


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["says"][:60])
def test_mistake(tmp_path, mistake):
    path = tmp_path / "schema.yaml"
    path.write_text(mistake["schema"])
    with pytest.raises(InputError) as caught:
        find_schema(path)
    said = str(caught.value).removeprefix(str(path))
    assert said.lstrip() == sentence(mistake)
    assert said != str(caught.value)


def test_table_is_long():
    assert len(MISTAKES) >= 80
    assert len({mistake["schema"] for mistake in MISTAKES}) == len(MISTAKES)


def test_lines_of_json_and_of_merged_mappings(tmp_path):
    """JSON that YAML cannot read has no lines; what is merged has that of the mapping."""
    path = tmp_path / "schema.yaml"
    path.write_text(json.dumps({"tree": "t", "towers": {"eta": "a", "phy": "b"}}, indent="\t"))
    with pytest.raises(InputError, match=r"schema.yaml: towers: unknown key 'phy' \(did you mean"):
        find_schema(path)
    path.write_text(
        "tree: t\ntracks: &one {pt: a,\n  eta: b, phi: c}\ntowers:\n  <<: *one\n  e: d\n"
    )
    with pytest.raises(InputError, match=r"schema.yaml, line 4: towers: unknown key 'pt'; choose"):
        find_schema(path)


def test_name_of_a_schema(tmp_path):
    with pytest.raises(InputError, match=r"unknown schema 'delphi' .*; did you mean 'delphes'"):
        find_schema("delphi")


def test_lines_of_branches_that_a_file_lacks(tmp_path):
    """Comments and longer names do not count; members of p4 stand in the line of this."""
    path = tmp_path / "schema.yaml"
    path.write_text(
        "tree: t\n# cl\ntowers: {eta: cl_x, phi: a.cl,\n e: 2 * cl}\nweight: x/cl  # cl\n"
    )
    assert lines_that_name(str(path), ["cl"]) == " in line 4"
    assert lines_that_name(str(path), ["cl_x", "a.cl", "x"]) == " in line 3"
    assert lines_that_name(str(path), ["cl", "a.cl"]) == " in lines 3 and 4"
    assert lines_that_name(str(path), ["cl_x.pt", "cl_x.eta"]) == " in line 3"  # p4: cl_x
    assert lines_that_name(str(path), ["J.pt"]) == lines_that_name("delphes", ["cl"]) == ""
