"""What a program's own functions do wrong stays its own trouble: the server goes on, and the peer gets an answer."""

import asyncio
import logging
import unittest
from typing import Any

import bokbok

KEY = bytes(32)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def handle(connection: bokbok.Connection, payload: bokbok.Value) -> Any:
    if payload == b"unprintable":
        raise Unprintable
    if payload == b"cancelled":
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        return future.result()
    if payload == b"later":
        return later()
    return payload


async def later() -> None:
    raise Unprintable


class HostileHandlers(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        logging.getLogger("bokbok").setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger("bokbok").setLevel, logging.NOTSET)

    async def test_whatever_a_handler_raises_is_an_answer(self):
        async with bokbok.serve("tcp:127.0.0.1:0", handle) as server:
            async with bokbok.connect(server.address) as connection:
                for what, message in (
                    ("unprintable", "Unprintable"),
                    ("later", "Unprintable"),
                    ("cancelled", "CancelledError: "),
                ):
                    with self.subTest(what), self.assertRaises(bokbok.RemoteError) as caught:
                        await asyncio.wait_for(connection.request(what), 20)
                    self.assertEqual((caught.exception.code, caught.exception.message), ("handler-failed", message))
                self.assertEqual(await connection.request("echo"), b"echo")

    async def test_a_close_handler_that_is_cancelled_ends_nothing(self):
        def closed(connection: bokbok.Connection, ending: bokbok.Ending) -> None:
            raise asyncio.CancelledError

        async with bokbok.serve("tcp:127.0.0.1:0", handle, on_close=closed) as server:
            for _ in range(2):
                async with bokbok.connect(server.address) as connection:
                    self.assertEqual(await connection.request("echo"), b"echo")
            self.assertEqual((await connection.wait_ended()).reason, "clean")

    async def test_a_lookup_that_is_cancelled_knows_no_such_user(self):
        async def find(user: str) -> bytes:
            raise asyncio.CancelledError

        async with bokbok.serve("tcp:127.0.0.1:0", handle, users=find) as server:
            with self.assertRaises(bokbok.Refused) as caught:
                await bokbok.connect(server.address, user="ada", key=KEY)
            self.assertEqual(caught.exception.code, "authentication-failed")


if __name__ == "__main__":
    unittest.main()
