"""Nodes and weights of rules of a million nodes: family, place, node, weight.

By mpmath in 40 digits: Newton's method on the classical three-term recurrence, weights from the derivative.
"""

MILLION = [
]
