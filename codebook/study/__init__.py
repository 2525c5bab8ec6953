"""The study: `study.yaml` says everything once, and every face reads it here.

In comes a study file, and what a notebook, a command or a person says otherwise for once; out goes a `Study`, which
opens the units, plans, and gives the codings. Open `study_opening.py` first; which keys there are stands in
`study_file.py`.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.study.pilot_costs import estimate_costs
    from codebook.study.second_instrument import compare_second, plan_second
    from codebook.study.study_check import StudyCheck, check_study
    from codebook.study.study_facts import StudyFacts
    from codebook.study.study_file import StudyFile, read_study_file
    from codebook.study.study_opening import Study, open_study
    from codebook.study.study_report import count_by_version, name_reported, report_study
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "Study",
    "StudyCheck",
    "StudyFacts",
    "StudyFile",
    "check_study",
    "compare_second",
    "count_by_version",
    "estimate_costs",
    "name_reported",
    "open_study",
    "plan_second",
    "read_study_file",
    "report_study",
]
