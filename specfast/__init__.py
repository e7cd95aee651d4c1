"""specfast."""
from .families import Chebyshev, Hermite, Laguerre, Legendre
