"""Phases: a window whose weights come round again every four positions, from few sequences.

    y[n] = Σ_{|o| ≤ 3} w[n mod 4, o] x[n + o]       x white, Σ_o w[p, o]² = 1

48 positions, zeros beyond the border, 32 sequences to learn from. Nothing in the input tells the
phase. Metric: R², 0 by chance.

Planted  A window, shared periodically: four rules and not one, and not 48. No installed family
         shares its rule in this way. The nearest that can express it is a window with weights of
         its own in every place, which learns each rule twelve times over; so a search finds
         position-specific, and the period shows where shifts are told apart: the rule is the same
         four positions on, and another one position on.
"""

from __future__ import annotations

from typing import final

from itnet_nas.axes import Sharing, Support
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.places import WindowedReals


@final
class PhasesTask(WindowedReals):
    """What does the rule of this phase make of its neighbours?"""

    summary = "planted: a window whose rule has period 4; locally connected comes nearest"
    planted = (
        LayerAnswer(
            "locally_connected",
            {"support": Support.WINDOW, "sharing": Sharing.POSITION_SPECIFIC},
        ),
    )
    period = 4
