"""What is personalised into a virtual card. Everybody on them is fictitious: area 119900 belongs to nobody."""

from collections.abc import Mapping
from dataclasses import dataclass

from cardio.files.tables import CERTIFICATE, HOLDER, ISSUER, File

RID = "D15600000599"
FOLDERS = (0xDF01, 0xDF02, 0xDF03, 0xDF04)


@dataclass(frozen=True)
class CardData:
    """A card and its holder; `serial` numbers the chip, `pan` is the bank's (digits), "" for no bank application."""

    number: str = "119900199001011232"
    name: str = "测试甲"
    name_more: str = ""
    sex: str = "1"
    nation: str = "01"
    birthplace: str = "119900"
    born_on: str = "19900101"
    card_no: str = "A99000001"
    serial: int = 1
    region: str = "119900"
    issued_on: str = "20240131"
    expires_on: str = "20340131"
    pan: str = "6299990000000000012"

    @property
    def card_id(self) -> bytes:
        """卡识别码: region, RID, chip, filled to 16 bytes."""
        return bytes.fromhex(f"{self.region}{RID}{self.serial:06X}".ljust(32, "F"))

    def records(self, version: str, *, name_more: bool) -> dict[tuple[int, int], dict[int, bytes]]:
        """Return the records of each file by tag, in the order of their numbers; raises ValueUnfit."""
        issuer = {
            "card_id": self.card_id.hex(),
            "category": "1",
            "version": version,
            "issuer": f"{self.region}000000000000",
            "issued_on": self.issued_on,
            "expires_on": self.expires_on,
            "card_no": self.card_no,
        }
        holder = {one.name: str(getattr(self, one.name)) for one in HOLDER if name_more or one.name != "name_more"}
        blank = {one.name: "" for one in CERTIFICATE}
        return {
            (file.df, file.ef): _encoded(file, values)
            for file, values in ((ISSUER, issuer), (HOLDER, holder), (CERTIFICATE, blank))
        }


def _encoded(file: File, values: Mapping[str, str]) -> dict[int, bytes]:
    return {one.tag: one.encode(values[one.name]) for one in file if one.name in values}
