"""`igent mock-server`: the mock over HTTP."""

from __future__ import annotations

__all__ = ["mock_server"]

import click


@click.command(name="mock-server")
def mock_server() -> None:
    """placeholder while the server is being written"""
