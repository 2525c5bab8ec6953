"""Gold: how many units to code by hand, which, and with what chance each was drawn.

    gold_size, gold_curve                 how many, before anything is coded (analysis.plot_gold_size draws it)
    draw_gold                             random, stratified, by the model's label, by its uncertainty
    take_part                             the dev or the test part, with its own chances
    write_gold_sample, read_gold_sample   the file, enlarged but never changed; its test part is locked
    open_gold_sample                      the sample by which gold is to be weighted: the run's own, if one lies there

The frame of a sample has a row a unit with `unit_id` and `prob`. Whatever takes a `sample` joins it on `unit_id` and
weights by `prob`: nothing else need be told.
"""

from codebook.sampling.draw import draw_gold, take_part
from codebook.sampling.sample_files import (
    GOLD_SAMPLE,
    erase_from_sample,
    is_gold_sample,
    open_gold_sample,
    read_gold_sample,
    write_gold_sample,
)
from codebook.sampling.sizes import (
    gold_curve,
    gold_size,
    units_for_alpha,
    units_for_recall,
    units_for_share,
    wilson_half_width,
    worth_of_gold,
)

__all__ = [
    "GOLD_SAMPLE",
    "draw_gold",
    "erase_from_sample",
    "gold_curve",
    "gold_size",
    "is_gold_sample",
    "open_gold_sample",
    "read_gold_sample",
    "take_part",
    "units_for_alpha",
    "units_for_recall",
    "units_for_share",
    "wilson_half_width",
    "worth_of_gold",
    "write_gold_sample",
]
