"""While the file `pause` is in the working folder, everything that computes sleeps."""

import time
from pathlib import Path


def wait_while_paused(work: Path) -> bool:
    """Whether it had to wait."""
    if not (work / "pause").exists():
        return False
    while (work / "pause").exists():
        time.sleep(1)
    return True
