"""The README's server and client run, and the client prints what the README says."""

import asyncio
import os
import pathlib
import re
import sys
import tempfile

from .test_live import PROJECT, LiveTestCase


class Readme(LiveTestCase):
    async def test_the_examples(self):
        text = (pathlib.Path(PROJECT) / "README.md").read_text(encoding="utf-8")
        server_code, client_code = re.findall(r"```python\n(.*?)```", text, re.S)
        (printed,) = re.findall(r"```text\n(.*?)```", text, re.S)
        with tempfile.TemporaryDirectory() as folder:
            server = await self.start(server_code, folder)
            self.assertIn(b"serving on", await server.stdout.readline())
            client = await self.start(client_code, folder)
            output, _ = await client.communicate()
            self.assertEqual(output.decode(), printed)
            server.terminate()
            await server.wait()

    async def start(self, code: str, folder: str) -> asyncio.subprocess.Process:
        code = code.replace("/tmp/example.sock", f"{folder}/example.sock")
        return await asyncio.create_subprocess_exec(
            sys.executable, "-u", "-c", code, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": PROJECT},
        )  # fmt: skip
