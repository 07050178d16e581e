"""A test that hangs ends in its time, also where the alarm comes in the middle of something that keeps exceptions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HANGS = {
    "in a callback": """
        loop = asyncio.get_running_loop()

        def again():
            time.sleep(0.01)
            loop.call_soon(again)

        again()
        await asyncio.Event().wait()
    """,
    "in a task": """
        async def forever():
            while True:
                time.sleep(0.01)
                await asyncio.sleep(0)

        await asyncio.gather(forever(), *(forever() for _ in range(3)), return_exceptions=True)
    """,
    "in the loop": """
        await asyncio.Event().wait()
    """,
}


@pytest.mark.parametrize("hang", HANGS)
def test_a_test_that_hangs_ends(tmp_path: Path, hang: str) -> None:
    file = tmp_path / "test_hangs.py"
    file.write_text(f"import asyncio, time\n\nasync def test_hangs():{HANGS[hang]}\n\ndef test_next():\n    pass\n")
    words = ["-p", "tests.conftest", "-p", "no:cacheprovider", "--timeout=1", "--rootdir", str(tmp_path), str(file)]
    words += ["-c", str(ROOT / "pyproject.toml")]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "1 failed, 1 passed" in ended.stdout
