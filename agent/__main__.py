"""`python -m agent` is `outrider`."""

import sys

from agent.cli import main

sys.exit(main())
