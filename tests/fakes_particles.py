"""Padded arrays of particles, and the top-tagging reference layout as pandas and PyTables write it,
by h5py alone."""

import pickle

import h5py
import numpy as np

CONSTITUENTS = 5


def energyflow_array(n_jets=12, n_particles=9, *, seed=3):
    """pt, y, phi and PDG number of particles around the axes of jets, zero padded; the first jet
    crosses phi = pi."""
    rng = np.random.default_rng(seed)
    particles = np.zeros((n_jets, n_particles, 4))
    numbers = (22, 211, -211, 130, 2112, -2212, 321, 11, -13)
    for jet in range(n_jets):
        n = rng.integers(1, n_particles + 1)
        axis = (rng.uniform(-1.5, 1.5), np.pi if jet == 0 else rng.uniform(0, 2 * np.pi))
        particles[jet, :n, 0] = rng.exponential(20.0, n) + 0.5
        particles[jet, :n, 1] = axis[0] + rng.normal(0, 0.2, n)
        particles[jet, :n, 2] = (axis[1] + rng.normal(0, 0.2, n)) % (2 * np.pi)
        particles[jet, :n, 3] = rng.choice(numbers, n)
    return particles


def jetnet_arrays(n_jets=8, n_particles=6, *, seed=4):
    """Particle features eta_rel, phi_rel, pt_rel, mask and jet features pt, eta, mass, number; what
    the mask leaves out has numbers too."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, n_particles + 1, n_jets)
    mask = (np.arange(n_particles) < counts[:, None]).astype(np.float32)
    particles = rng.normal(0, 0.2, (n_jets, n_particles, 4)).astype(np.float32)
    shares = rng.exponential(1.0, (n_jets, n_particles)) * mask
    particles[:, :, 2] = shares / shares.sum(axis=1, keepdims=True) + (1 - mask)
    particles[:, :, 3] = mask
    jets = np.stack(
        [
            rng.uniform(800, 1200, n_jets),
            rng.uniform(-2, 2, n_jets),
            rng.uniform(50, 150, n_jets),
            counts,
        ],
        axis=1,
    )
    return particles, jets.astype(np.float32)


def toptag_columns(n_jets=10, *, n_constituents=CONSTITUENTS, seed=5):
    """Columns of the top-tagging reference data, with fewer constituents."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, n_constituents + 1, n_jets)
    there = np.arange(n_constituents) < counts[:, None]
    pt = -np.sort(-rng.exponential(60.0, there.shape) * there, axis=1)
    eta = rng.uniform(-1.5, 1.5, (n_jets, 1)) + rng.normal(0, 0.2, there.shape)
    phi = rng.uniform(-np.pi, np.pi, (n_jets, 1)) + rng.normal(0, 0.2, there.shape)
    momenta = {
        "E": pt * np.cosh(eta),
        "PX": pt * np.cos(phi),
        "PY": pt * np.sin(phi),
        "PZ": pt * np.sinh(eta),
    }
    columns = {
        f"{name}_{number}": values[:, number].astype(np.float32)
        for number in range(n_constituents)
        for name, values in momenta.items()
    }
    labels = np.arange(n_jets) % 2
    for name in ("truthE", "truthPX", "truthPY", "truthPZ"):
        columns[name] = (600.0 * labels).astype(np.float32)
    columns["ttv"] = rng.permutation(np.arange(n_jets) % 3)
    columns["is_signal_new"] = labels
    return columns


def write_frame(path, columns, *, layout="table", key="table"):
    """Write columns as ``pandas.DataFrame.to_hdf`` does: a block of each type, in this order."""
    blocks = {}
    for name, values in columns.items():
        blocks.setdefault(values.dtype, {})[name] = values
    with h5py.File(path, "w") as file:
        group = file.create_group(key)
        group.attrs["pandas_type"] = np.bytes_("frame_table" if layout == "table" else "frame")
        write = _write_records if layout == "table" else _write_blocks
        write(group, list(blocks.values()))
    return path


def _write_records(group, blocks):
    n_rows = len(next(iter(blocks[0].values())))
    fields = [
        (f"values_block_{i}", next(iter(block.values())).dtype, (len(block),))
        for i, block in enumerate(blocks)
    ]
    records = np.zeros(n_rows, dtype=[("index", np.int64), *fields])
    records["index"] = np.arange(n_rows)
    for (field, _, _), block in zip(fields, blocks, strict=True):
        records[field] = np.stack(list(block.values()), axis=1)
    table = group.create_dataset("table", data=records, chunks=(4,), maxshape=(None,))
    table.attrs["index_kind"] = np.bytes_("integer")
    for (field, _, _), block in zip(fields, blocks, strict=True):
        table.attrs[f"{field}_kind"] = np.bytes_(pickle.dumps(list(block), 0))


def _write_blocks(group, blocks):
    for number, block in enumerate(blocks):
        group[f"block{number}_items"] = np.array([name.encode() for name in block])
        group[f"block{number}_values"] = np.stack(list(block.values()), axis=1)
    group["axis0"] = np.array([name.encode() for block in blocks for name in block])
