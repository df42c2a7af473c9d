"""The package `cryptography` is loaded only by what needs it."""

import subprocess
import sys
import unittest
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent

PLAIN = """
import asyncio, sys, bokbok

async def main():
    async with bokbok.serve("tcp:127.0.0.1:0", lambda connection, payload: payload) as server:
        async with bokbok.connect(server.address) as connection:
            print(await connection.request([b"plain"]))
    print([name for name in sys.modules if name.split(".")[0] == "cryptography"])

asyncio.run(main())
"""

WITHOUT = """
import asyncio, sys, bokbok
sys.modules["cryptography"] = None  # as where it is not installed

async def main():
    key = bokbok.random_key()
    for sealed in (
        lambda: bokbok.serve("tcp:127.0.0.1:0", lambda connection, payload: payload, users={"ada": key}),
        lambda: bokbok.connect("tcp:127.0.0.1:1", user="ada", key=key),
    ):
        try:
            await sealed()
        except ImportError as error:
            print(error)
    try:
        bokbok.derive_key("seven words")
    except ImportError as error:
        print(error)

asyncio.run(main())
"""


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], cwd=FOLDER, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


class PrimitivesTests(unittest.TestCase):
    def test_plain_connections_do_not_load_cryptography(self) -> None:
        self.assertEqual(run(PLAIN), ["[b'plain']", "[]"])

    def test_sealed_connections_say_what_to_install_where_it_is_missing(self) -> None:
        lines = run(WITHOUT)
        self.assertEqual(len(lines), 3)
        for line in lines:
            self.assertIn("python3 -m pip install 'cryptography>=45'", line)


if __name__ == "__main__":
    unittest.main()
