"""Notebooks of a few cells, written where a test wants them."""

import json
from pathlib import Path


def write_notebook(path: Path, parameters: str, *code: str) -> Path:
    cells = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": parameters}]
    cells += [{"cell_type": "code", "metadata": {}, "source": source} for source in code]
    python = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    whole = [{**cell, "id": f"c{i}", "outputs": [], "execution_count": None} for i, cell in enumerate(cells)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"cells": whole, "metadata": python, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8"
    )
    return path
