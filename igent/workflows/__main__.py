"""`python -m igent.workflows CONSTELLATION [options]`: the same as `igent run`."""

from __future__ import annotations

from igent.workflows.start import run_main

if __name__ == "__main__":
    run_main()
