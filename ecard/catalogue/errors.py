"""What can go wrong with the catalogue: an unknown item in a request, a bad row at start-up."""

from ecard.errors import NotFound, Text


class ItemUnknown(NotFound):
    """No item of the catalogue has this code."""

    code = "item_unknown"
    title = Text("目录中没有该事项", "No such item in the catalogue")
    action = Text("请用 GET /v1/catalogue 查找事项编号。", "Look the item's code up with GET /v1/catalogue.")


class BadRow(Exception):
    """A data file may not be used; the program refuses to start."""

    def __init__(
        self, file: str, why: str, *, row: int | None = None, code: str | None = None, field: str | None = None
    ) -> None:
        """Name the place: `row` counts from 1; None stands where the file as a whole, or no single key, is bad."""
        self.file, self.why, self.row, self.code, self.field = file, why, row, code, field
        place = [file]
        if row is not None:
            place.append(f"第 {row} 条 (row {row})")
        if code is not None:
            place.append(code)
        if field is not None:
            place.append(f"字段 (field) {field}")
        super().__init__(f"{', '.join(place)}: {why}")
