"""`python -m igent`: the same as the console script `igent`."""

from __future__ import annotations

from igent.workflows.start import main

if __name__ == "__main__":
    main()
