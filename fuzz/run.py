"""One target under atheris: `python -m fuzz.run TARGET` and libFuzzer's own arguments."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["agent"]):
    from fuzz.targets import TARGETS


def main() -> None:
    """Does not return: libFuzzer ends the process."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
