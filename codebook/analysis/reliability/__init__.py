"""Do coders agree with each other?

In come `Codings`, or a plain frame; out come `Result`s. Open `agreement_tables.py` first: `reliability` and
`label_shares`; the coefficients are in `krippendorff.py` with `alpha.py`, `kappa.py` and `percent.py`.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.analysis.reliability.agreement_difference import compare_agreement
    from codebook.analysis.reliability.agreement_tables import label_shares, reliability
    from codebook.analysis.reliability.coder_plans import CoderPlan, plan_coders
    from codebook.analysis.reliability.coefficients import COEFFICIENTS
    from codebook.analysis.reliability.marginal_tests import compare_shares
    from codebook.analysis.reliability.unitizing import span_agreement
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "COEFFICIENTS",
    "CoderPlan",
    "compare_agreement",
    "compare_shares",
    "label_shares",
    "plan_coders",
    "reliability",
    "span_agreement",
]
