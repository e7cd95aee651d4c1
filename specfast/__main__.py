"""``python -m specfast``, and ``torchrun -m specfast`` for several processes."""

import sys

from specfast_cli import main

from .support.start import main_begins

if __name__ == "__main__":
    main_begins()
    sys.exit(main())
