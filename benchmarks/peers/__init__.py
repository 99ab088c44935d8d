"""The same conversation in other frameworks, each as its documentation writes it, in an environment of their own."""

from __future__ import annotations

__all__ = ["installed"]

import subprocess
import sys
from pathlib import Path


def installed(folder: Path) -> str:
    """The interpreter of the peers' virtual environment; made there, from requirements.txt, where there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = Path(__file__).with_name("requirements.txt")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)], check=True)
    return str(python.absolute())
