"""What all names share, and the groups that names form."""

from __future__ import annotations

import pytest

from codebook.analysis.core.label_titles import SharedNames, group_names


@pytest.mark.parametrize(
    ("names", "short", "before", "after"),
    [
        (["m: topic=a", "m: topic=b"], ("a", "b"), "m: topic", ""),
        (["m: topic=a", "gold: topic=a"], ("m: topic", "gold: topic"), "", "a"),
        (["stance=-1", "stance=1"], ("-1", "1"), "stance", ""),
        (["topic=a=b", "topic=a=c"], ("b", "c"), "topic=a", ""),
        (["topic=a"], ("topic=a",), "", ""),
        (["topic=a", "topic=a"], ("topic=a", "topic=a"), "", ""),
        (["sports", "spa"], ("sports", "spa"), "", ""),
        ([], (), "", ""),
    ],
)
def test_what_all_names_share_is_parted_from_them(names, short, before, after):
    parted = SharedNames.of(names)
    assert (parted.names, parted.before, parted.after) == (short, before, after)
    assert all(parted.names)


def test_a_name_by_itself_is_no_group():
    assert group_names(["a=x", "b=x", "c=x"]) == ["", "", ""]
    assert group_names(["EC1", "EC2", "other"]) == ["", "", ""]
