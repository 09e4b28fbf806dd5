"""The way to a remote HSM: its two steps (`cardio.keys.hsm`) as one HTTP POST of a line of text, and the line back."""

from collections.abc import Callable

import httpx

SECONDS = 4.0
"""Seconds that the HSM has to answer: less than a session waits for it."""


def line_to(address: str) -> Callable[[str], str]:
    """Return the function that sends step 1 to `address` and returns step 2; it raises OSError for no such answer."""
    client = httpx.Client(timeout=SECONDS, trust_env=False)

    def post(line: str) -> str:
        try:
            answer = client.post(address, content=line.encode("ascii"), headers={"Content-Type": "text/plain"})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            msg = f"the HSM did not answer: {type(error).__name__}"
            raise OSError(msg) from None
        return answer.text.strip()

    return post
