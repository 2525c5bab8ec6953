"""Photographs labelled, on this machine.

In come images and the words of a codebook; out go labels. Open `photo_labels.py` first: what `network`
sees becomes votes for labels.
"""
