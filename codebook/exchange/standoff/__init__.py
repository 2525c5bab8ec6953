"""Marks that stand beside what they mark: WebAnno's and brat's of texts, CVAT's of images.

In come files in which nobody is named but by folders; out go rows of spans and tags. Open `brat.py` first.
"""
