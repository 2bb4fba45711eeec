"""When Python looks for garbage: seldom.

What nobody refers to any more is freed at once; only cycles of objects need a search. A running dialer makes next to
none (none in minutes of dialing with 1,200 streams open), while the searches held up every call for as long as 140 ms.
So what has been loaded by the end of starting is never searched again, the rest when very much of it has come to stay.

Source: measured with `make bench-api`. Ours (decision 0022).
"""

import gc

YOUNG_MAX = 200_000
"""Objects that come and stay before they are searched, which takes some 0.2 s. Unit: objects. Python's own: 700."""


def settle() -> None:
    """The program has started: what exists now is never searched again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)
