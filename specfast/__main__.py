"""``python -m specfast``, and ``torchrun -m specfast`` for several processes."""

import sys

from .cli import main

sys.exit(main())
