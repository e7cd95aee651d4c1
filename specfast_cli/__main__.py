"""``python -m specfast_cli``: the command line before PyTorch is imported."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
