"""Base64url without padding (RFC 4648 §5, RFC 7515 §2), strict on the way in."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def b64url(raw: bytes) -> str:
    """Return `raw` as unpadded base64url text."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    """Return the bytes of canonical unpadded base64url `text`.

    Raises ValueError for any other text: two spellings of one value would be two keys.
    """
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64url(raw) != text:
        msg = "not canonical base64url"
        raise ValueError(msg)
    return raw
