"""Schema of a user: a YAML file in place of the name of a schema.

``docs/schemas.md`` explains the language with examples; its tables are written from `keys`. For a
file with momenta in MeV::

    tree: analysis/events             # with its folders
    event_number: evt                 # or a formula; without it the entries are numbered
    weight: mc_weight * pileup_weight # without it every weight is 1
    towers:
      eta: cl_eta
      phi: cl_phi
      e_em: cl_em_e / 1000            # GeV
      e_had: cl_had_e / 1000          # e, the energy, is their sum unless it is given
      cut: e > 0.5                    # towers that are kept; fields may be named
    tracks:
      px: trk_px / 1000               # in place of pt, eta, phi
      py: trk_py / 1000
      pz: trk_pz / 1000
    jets:
      pt: jet_pt / 1000
      eta: jet_eta
      phi: jet_phi
      mass: jet_m / 1000
    constituents:                     # of the jets: lists in lists, or with a link
      pt: trk_pt / 1000
      eta: trk_eta
      phi: trk_phi
      jet_index: link_jet             # one row of the table a constituent: number of its jet
      item_index: link_track          # and its place in the lists of pt, eta, phi
    n_generated: cutflow/total[1]     # number, histogram, histogram[bin] or tree/branch of counters
    sum_of_weights: cutflow/weighted[1]
    cross_section_pb: 41.4            # a number, or a branch whose last entry counts
"""

from collections.abc import Mapping
from pathlib import Path

from calovision.core.user_files import read_text
from calovision.core.user_lines import parse_yaml_with_lines
from calovision.ntuples.schemas.custom.extension import extended
from calovision.ntuples.schemas.custom.sections import Section
from calovision.ntuples.schemas.custom.tree_schema import read_radius, read_tree_schema
from calovision.ntuples.schemas.schema import Schema


def read_schema(path: Path, known: Mapping[str, Schema]) -> Schema:
    """Read a schema from a YAML file.

    Parameters
    ----------
    path
        The file (``docs/schemas.md``).
    known
        Schemas that it may extend, by name.

    Raises
    ------
    InputError
        If the file is missing or no YAML; if a key is unknown, missing or of the wrong kind; if a
        formula cannot be read. The sentence names the line and the key.
    """
    return parse_schema(read_text(path, "schema"), str(path), known)


def parse_schema(text: str, origin: str, known: Mapping[str, Schema]) -> Schema:
    """Read a schema from the content of a YAML file, which messages call ``origin``; as
    `read_schema`.
    """
    content, lines = parse_yaml_with_lines(text, origin, "schema")
    section = Section(content, origin, lines)
    if "extends" in section:
        return extended(section, known)
    version = read_tree_schema(section)
    return Schema(origin, origin, (version,), fat_jet_radius=read_radius(section))
