"""The account that the load programs in Rust keep of what arrives: a loss is an error."""

from __future__ import annotations

import subprocess

import pytest

from bench.builds import CACHE, RUST

pytestmark = [pytest.mark.clients, pytest.mark.requires("cargo"), pytest.mark.timeout(1260)]


def cargo(*arguments: str) -> str:
    done = subprocess.run(["cargo", *arguments], cwd=RUST, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, f"cargo {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def test_it_is_formatted() -> None:
    cargo("fmt", "--all", "--check")


def test_its_ledger() -> None:
    told = cargo("test", "--locked", "--package", "app", "--target-dir", str(CACHE / "rust-tests"))
    assert "a_loss_is_an_error ... ok" in told
