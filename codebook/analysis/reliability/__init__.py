"""Coders against each other: alpha, kappa and their kin, with intervals."""
