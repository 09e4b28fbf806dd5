"""JSON of the provider's endpoints."""

import msgspec


class PushedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A pushed request's reference (RFC 9126 §2.2)."""

    request_uri: str
    expires_in: int


class DeviceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A device authorization (RFC 8628 §3.2); `qr` is what the e-card app scans, for `qr_expires_in` seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    qr: str
    qr_expires_in: int
    expires_in: int
    interval: int


class CibaAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted backchannel request (CIBA Core §7.3)."""

    auth_req_id: str
    expires_in: int
    interval: int
