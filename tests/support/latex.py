"""LaTeX: a person's machine may lack it, which skips tests; where CI lacks it, they fail."""

import os
import shutil

NO_LATEX = not os.environ.get("CI") and not shutil.which("pdflatex")
