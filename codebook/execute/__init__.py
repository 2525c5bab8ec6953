"""Notebooks run without anybody at the keyboard: papermill made strict, and a study that chains them.

In comes `study.yaml` or a notebook with parameters; out go executed copies, pages, and an exit status; a study that was
run is rebuilt from its archive (`replaying.py`). Open `study.py` first, then `notebook.py`.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.execute.html import write_html
    from codebook.execute.notebook import Execution, execute_notebook, find_notebook, run_notebook
    from codebook.execute.parameters import Parameter, check_parameters, read_parameters
    from codebook.execute.replaying import Replay, replay_study
    from codebook.execute.study import StepResult, StudyResult, run_study
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "Execution",
    "Parameter",
    "Replay",
    "StepResult",
    "StudyResult",
    "check_parameters",
    "execute_notebook",
    "find_notebook",
    "read_parameters",
    "replay_study",
    "run_notebook",
    "run_study",
    "write_html",
]
