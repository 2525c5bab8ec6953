"""Gold: how many units to code by hand, which, and with what chance each was drawn.

    gold_size, gold_curve                 how many, before anything is coded; a `GoldPlan` says what is wanted
    draw_gold                             random, stratified, by the model's label, by its uncertainty (`DrawRule`)
    list_strata, take_part                what was drawn; the dev or the test part, with its own chances
    write_gold_sample, read_gold_sample   the file, enlarged but never changed; its test part is locked
    open_gold_sample                      the sample by which gold is to be weighted: the run's own, if one lies there

In come codings, or a frame with a row for each unit; out goes a `GoldSample`: a frame with `unit_id` and `prob`, and
how it was drawn. `codings.with_sample(sample)` weights by it. Open `draw.py` first.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.analysis.core.gold_samples import GoldSample
    from codebook.paths import GOLD_SAMPLE
    from codebook.sampling.draw import draw_gold, list_strata, take_part
    from codebook.sampling.population import DrawRule
    from codebook.sampling.sample_files import (
        erase_from_sample,
        is_gold_sample,
        open_gold_sample,
        read_gold_sample,
        write_gold_sample,
    )
    from codebook.sampling.sizes import (
        GoldPlan,
        gold_curve,
        gold_size,
        units_for_alpha,
        units_for_recall,
        units_for_share,
        wilson_half_width,
        worth_of_gold,
    )
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "GOLD_SAMPLE",
    "DrawRule",
    "GoldPlan",
    "GoldSample",
    "draw_gold",
    "erase_from_sample",
    "gold_curve",
    "gold_size",
    "is_gold_sample",
    "list_strata",
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
