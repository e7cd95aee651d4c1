"""Which channels are the real and imaginary parts of a complex field."""

from __future__ import annotations

# What the parts of a complex array are called.
ENDINGS = (".real", ".imag")


def complex_pairs(channels: tuple[str, ...]) -> list[tuple[str, int, int]]:
    """Return the complex fields among the channels, in the order of their real parts.

    Parameters
    ----------
    channels : tuple of str
        Names: "re" and "im" are one field u, "NAME.real" and "NAME.imag" are the field NAME. A part without its other is
        a channel like any.

    Returns
    -------
    list of (str, int, int)
        Name, index of the real part, index of the imaginary one.

    Examples
    --------
    >>> complex_pairs(("re", "im"))
    [('u', 0, 1)]
    >>> complex_pairs(("n", "psi.imag", "psi.real"))
    [('psi', 2, 1)]
    """
    found = []
    for index, channel in enumerate(channels):
        if channel == "re":
            name, other = "u", "im"
        elif channel.endswith(ENDINGS[0]) and channel != ENDINGS[0]:
            name = channel.removesuffix(ENDINGS[0])
            other = name + ENDINGS[1]
        else:
            continue
        if other in channels:
            found.append((name, index, channels.index(other)))
    return found
