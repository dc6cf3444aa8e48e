"""Calorimeter images from ROOT ntuples."""
