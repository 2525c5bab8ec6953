"""Ratings and numbers: how far are two coders apart, and how alike are several?

In come numbers of the same units, or codings of them; out come the errors of one coder beside another, intraclass
correlations and limits of agreement. `cb.validity` and `cb.reliability` show them of ratings and numbers by
themselves. Open `rating_pairs.py` first.
"""

from codebook.analysis.ratings.bland_altman import limits_of_agreement
from codebook.analysis.ratings.intraclass import ICC_FORMS, icc_interval, icc_values
from codebook.analysis.ratings.rating_pairs import RATING_MEASURES, pair_statistics

__all__ = ["ICC_FORMS", "RATING_MEASURES", "icc_interval", "icc_values", "limits_of_agreement", "pair_statistics"]
