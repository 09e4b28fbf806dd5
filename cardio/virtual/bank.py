"""The bank application of a virtual card: enough of EMV for the account number (EMV Book 3)."""

from cardio.commands.apdu import Command
from cardio.commands.iso import GPO_DATA

NAME = bytes.fromhex("A000000333010101")
_SFI, _FIRST, _LAST = 1, 1, 2


def ber(tag: str, value: bytes) -> bytes:
    """Return a BER-TLV data object of at most 127 bytes."""
    return bytes.fromhex(tag) + bytes((len(value),)) + value


def answer(command: Command, pan: str) -> tuple[bytes, int]:
    """Return data and status word of a command to the selected bank application."""
    match command:
        case Command(0x80, 0xA8, 0, 0):
            if command.data != GPO_DATA:
                return b"", 0x6A80
            return ber("80", bytes.fromhex("7C00") + bytes((_SFI << 3, _FIRST, _LAST, 0))), 0x9000
        case Command(0x00, 0xB2):
            if command.p2 != _SFI << 3 | 0x04 or not _FIRST <= command.p1 <= _LAST:
                return b"", 0x6A83
            if command.p1 == _FIRST:
                return ber("70", ber("5F20", b"FICTITIOUS")), 0x9000
            return ber(
                "70", ber("5A", bytes.fromhex(pan + "F" * (len(pan) % 2))) + ber("5F24", b"\x34\x01\x31")
            ), 0x9000
    return b"", 0x6D00


def description() -> bytes:
    """Return the FCI."""
    return ber(
        "6F",
        ber("84", NAME)
        + ber("A5", ber("50", b"DEBIT") + ber("9F38", bytes.fromhex("9F66049F02069F03069F1A0295055F2A02"))),
    )
