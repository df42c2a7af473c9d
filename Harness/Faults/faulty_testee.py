"""Runs the Python implementation's testee with one fault planted in it.

    python3 faulty_testee.py FILE ID [ARGUMENT …]

FILE is a file of faults (fault.schema.json), ID one of them. The text of the module that the fault names is edited as
it is loaded: what is on disk stays as it is, and the implementation has no hook for this. Everything behind ID is the
testee's.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import sys
from pathlib import Path
from types import CodeType

IMPLEMENTATION = Path(__file__).resolve().parent.parent / "Peers" / "python"


class FaultError(Exception):
    """The fault cannot be planted."""


class FaultyLoader(importlib.machinery.SourceFileLoader):
    """Loads a module with one edit of its text, and never from or into a cache of compiled code."""

    def __init__(self, name: str, path: str, fault: dict[str, str]) -> None:
        super().__init__(name, path)
        self._fault = fault

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return compile(edited(Path(path).read_text(encoding="utf-8"), self._fault), path, "exec", dont_inherit=True)


class FaultyFinder(importlib.abc.MetaPathFinder):
    """Finds the one module that the fault is in, and leaves all others to Python."""

    def __init__(self, fault: dict[str, str]) -> None:
        self._name = "bokbok." + fault["file"].removesuffix(".py")
        self._fault = fault
        self.was_used = False

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname != self._name:
            return None
        self.was_used = True
        file = str(IMPLEMENTATION / "bokbok" / self._fault["file"])
        return importlib.machinery.ModuleSpec(fullname, FaultyLoader(fullname, file, self._fault), origin=file)


def edited(text: str, fault: dict[str, str]) -> str:
    """The text with the fault in it. Raises `FaultError` if what it replaces is not there exactly once."""
    count = text.count(fault["find"])
    if count != 1:
        raise FaultError(f"{fault['id']}: the text to find occurs {count} times in {fault['file']}, not once")
    return text.replace(fault["find"], fault["put"])


def fault_in(file: str, id: str) -> dict[str, str]:
    """The fault with this id. Raises `FaultError` if the file has none."""
    with open(file, encoding="utf-8") as stream:
        faults = json.load(stream)["faults"]
    for fault in faults:
        if fault["id"] == id:
            return fault  # type: ignore[no-any-return]
    raise FaultError(f"{file} has no fault {id}")


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    fault = fault_in(sys.argv[1], sys.argv[2])
    del sys.argv[1:3]
    finder = FaultyFinder(fault)
    sys.meta_path.insert(0, finder)
    sys.path.insert(0, str(IMPLEMENTATION))
    from bokbok.testee import main as run_testee

    if not finder.was_used:
        raise FaultError(f"{fault['id']}: the testee does not load {fault['file']}")
    run_testee()


if __name__ == "__main__":
    main()
