"""Sequential recombination and jet shapes by loops in Python, as the papers have them: the second
implementation that random jets are compared with. O(n^3); GeV and radians."""

from itertools import combinations

import numpy as np


class Cluster:
    """Four-momentum with its direction; ``members`` are the numbers of the particles in it."""

    def __init__(self, momentum, members, *, direction=None, pt=None):
        self.momentum, self.members = np.asarray(momentum, dtype=np.float64), members
        px, py, pz, e = self.momentum
        self.pt = np.hypot(px, py) if pt is None else pt
        if direction is None:
            transverse = np.sqrt(max((e - pz) * (e + pz), px**2 + py**2))
            y = np.log((e + abs(pz)) / transverse)
            direction = (np.copysign(y, pz), np.arctan2(py, px))
        self.y, self.phi = direction

    def distance(self, other):
        """Squared distance in rapidity and phi."""
        d_phi = abs(self.phi - other.phi) % (2 * np.pi)
        return (self.y - other.y) ** 2 + min(d_phi, 2 * np.pi - d_phi) ** 2

    @property
    def mass(self):
        px, py, pz, e = self.momentum
        return np.sqrt(max((e - pz) * (e + pz) - px**2 - py**2, 0.0))


def particle(number, pt, y, phi, mass=0.0):
    transverse = np.hypot(pt, mass)
    momentum = pt * np.cos(phi), pt * np.sin(phi), transverse * np.sinh(y), transverse * np.cosh(y)
    return Cluster(momentum, (number,), direction=(y, phi), pt=pt)


def add(one, other):
    return Cluster(one.momentum + other.momentum, one.members + other.members)


def take_harder(one, other):
    winner = one if one.pt >= other.pt else other
    return Cluster(
        one.momentum + other.momentum,
        one.members + other.members,
        direction=(winner.y, winner.phi),
        pt=one.pt + other.pt,
    )


def recombine(clusters, power, radius, *, until=0, merge=add):
    """Jets that left, clusters that are ``until`` left, and the two parents of each merged one."""
    clusters, jets, parents = list(clusters), [], {}
    while len(clusters) > until:
        p = [one.pt ** (2 * power) for one in clusters]
        best, chosen = min((p[i], (i,)) for i in range(len(p))) if radius else (np.inf, None)
        for i, j in combinations(range(len(clusters)), 2):
            size = clusters[i].distance(clusters[j]) / (radius or 1.0) ** 2
            if (d := min(p[i], p[j]) * size) < best:
                best, chosen = d, (i, j)
        if len(chosen) == 1:
            jets.append(clusters.pop(chosen[0]))
            continue
        new = merge(*(clusters[i] for i in chosen))
        parents[id(new)] = new, [clusters[i] for i in chosen]
        clusters = [one for i, one in enumerate(clusters) if i not in chosen] + [new]
    return jets, clusters, parents


def soft_drop(particles, z_cut):
    """Groomed jet by Cambridge/Aachen, beta = 0."""
    _, (jet,), parents = recombine(particles, 0, None, until=1)
    while id(jet) in parents:
        one, other = sorted(parents[id(jet)][1], key=lambda branch: branch.pt)
        if one.pt > z_cut * (one.pt + other.pt):
            break
        jet = other
    return jet


def trimmed(particles, r_sub, f_cut):
    """Members and momentum of the kt subjets with a share of f_cut of the jet's pT."""
    momentum = sum(one.momentum for one in particles)
    subjets = recombine(particles, 1, r_sub)[0]
    kept = [one for one in subjets if one.pt >= f_cut * np.hypot(*momentum[:2])]
    members = sorted(member for one in kept for member in one.members)
    return members, sum((one.momentum for one in kept), np.zeros(4))


def subjettiness(particles, n, radius):
    """tau_n with winner-take-all axes of exclusive kt."""
    axes = recombine(particles, 1, None, until=n, merge=take_harder)[1]
    nearest = [min(one.distance(axis) for axis in axes) ** 0.5 for one in particles]
    pt = [one.pt for one in particles]
    return np.dot(pt, nearest) / (np.sum(pt) * radius)


def correlators(particles):
    """e2 and e3 with beta = 1."""
    total = sum(one.pt for one in particles)
    e2 = e3 = 0.0
    for i, j in combinations(particles, 2):
        e2 += i.pt * j.pt * i.distance(j) ** 0.5 / total**2
    for i, j, k in combinations(particles, 3):
        angles = (i.distance(j) * i.distance(k) * j.distance(k)) ** 0.5
        e3 += i.pt * j.pt * k.pt * angles / total**3
    return e2, e3
