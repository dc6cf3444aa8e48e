"""The SUSY spectrum and decays of the signal, in the SUSY Les Houches Accord format.

Format: hep-ph/0311123 and arXiv:0801.0045; masses and widths in GeV.
"""

HEAVY_MASS = 5000.0  # every superpartner that takes no part
MIN_NEUTRALINO = 50.0  # room for a bottom, a charm and a strange quark that still make jets
MIN_SPLITTING = 10.0  # gluino - neutralino: room for a pair of charm quarks
WIDTH = 0.01  # of both: narrow, and far too short-lived to form R-hadrons or to fly

GLUINO, NEUTRALINO = 1000021, 1000022
LEFT_SFERMIONS = (*range(1000001, 1000007), *range(1000011, 1000017))
RIGHT_SFERMIONS = (*range(2000001, 2000007), 2000011, 2000013, 2000015)
OTHER_GAUGINOS = (1000023, 1000025, 1000035, 1000024, 1000037)
HEAVY_HIGGS = (35, 36, 37)
MIXING_BLOCKS = {"NMIX": 4, "UMIX": 2, "VMIX": 2, "STOPMIX": 2, "SBOTMIX": 2, "STAUMIX": 2}
DOWN_PAIRS = ((1, 3), (1, 5), (3, 5))  # UDD couplings are antisymmetric in the two down-type quarks


def rpv_spectrum(mass_gluino: float, mass_neutralino: float) -> str:
    """SLHA text of gluino pairs with R-parity-violating decays into ten quarks.

    gluino -> q qbar chi10 with q = u, d, s, c at equal rates, and chi10 -> u_i d_j d_k through the
    UDD coupling with u_i = u, c and d_j d_k = ds, db, sb, and the charge conjugates, at equal
    rates: light, charm and bottom quarks, no top quarks (physics of arXiv:1804.03568 and
    1711.03573). Decays are flat in phase space. The neutralino is a bino; with all squarks at 5 TeV
    the couplings do not matter for the events.
    """
    masses = {GLUINO: mass_gluino, NEUTRALINO: mass_neutralino, 25: 125.0}
    heavy = (*LEFT_SFERMIONS, *RIGHT_SFERMIONS, *OTHER_GAUGINOS, *HEAVY_HIGGS)
    masses |= dict.fromkeys(heavy, HEAVY_MASS)
    lines = [
        "BLOCK MODSEL",
        "  1 0",
        "BLOCK MASS",
        *(f"  {key} {mass}" for key, mass in masses.items()),
    ]
    for name, size in MIXING_BLOCKS.items():
        lines += [f"BLOCK {name}", *(f"  {i} {i} 1.0" for i in range(1, size + 1))]
    lines += ["BLOCK ALPHA", "  -0.1"]
    # mu, tan beta, vacuum expectation value, m_A^2; then the couplings g' and g. Pythia warns where
    # they are missing.
    lines += [
        "BLOCK HMIX Q= 1000",
        f"  1 {HEAVY_MASS}",
        "  2 10.0",
        "  3 246.0",
        f"  4 {HEAVY_MASS**2}",
    ]
    lines += ["BLOCK GAUGE Q= 1000", "  1 0.36", "  2 0.65", "  3 1.1"]
    return "\n".join([*lines, *_gluino_decays(), *_neutralino_decays()]) + "\n"


def _gluino_decays() -> list[str]:
    return [f"DECAY {GLUINO} {WIDTH}", *(f"  0.25 3 {NEUTRALINO} {q} {-q}" for q in (1, 2, 3, 4))]


def _neutralino_decays() -> list[str]:
    channels = [
        (sign * up, sign * j, sign * k) for up in (2, 4) for j, k in DOWN_PAIRS for sign in (1, -1)
    ]
    return [
        f"DECAY {NEUTRALINO} {WIDTH}",
        *(f"  {1 / len(channels):.12f} 3 {a} {b} {c}" for a, b, c in channels),
    ]
