"""Tasks whose right inductive bias is known, because it was planted.

Each is made of random numbers and a fixed rule, and holds to the sizes, the training set and the
recipe that its figures were measured with: with fewer steps or another rate a search finds other
answers, and with more data a more general kernel solves it too. What is planted stands as data in
`planted` of the class: for each layer the cheapest family, and the axes on which nothing else will
do.
"""

from __future__ import annotations

from itnet_tasks.planted.answer import LayerAnswer

__all__ = ["LayerAnswer"]
