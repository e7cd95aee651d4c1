"""``python -m specfast``, and ``torchrun -m specfast`` for several processes."""

import sys

from specfast_cli import main

if __name__ == "__main__":
    sys.exit(main())
