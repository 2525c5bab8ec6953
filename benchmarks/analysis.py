"""All benchmarks of the analysis, one after another, each in a process of its own.

python benchmarks/analysis.py [agreement] [association] [consensus] [correction] [validity]     (all without a word)
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    wanted = sys.argv[1:] or sorted(path.stem.removeprefix("analysis_") for path in HERE.glob("analysis_*.py"))
    for name in wanted:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, str(HERE / f"analysis_{name}.py")], check=True)


if __name__ == "__main__":
    main()
