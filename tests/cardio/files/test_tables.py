"""Each file reads what it writes: its own vectors, both ways, none left without."""

import pytest

from cardio.files.tables import FILES, SETTLEMENTS, File

ROWS = [(file, *vector) for file in FILES for vector in file.vectors]


@pytest.mark.parametrize(("file", "name", "record", "value"), ROWS, ids=[f"{row[0].ef:X} {row[1]}" for row in ROWS])
def test_a_vector_is_decoded_and_encoded(file: File, name: str, record: str, value: str) -> None:
    assert file[name].decode(bytes.fromhex(record)) == value
    assert file[name].encode(value) == bytes.fromhex(record)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.ef:X}")
def test_every_field_has_a_vector(file: File) -> None:
    assert {one.name for one in file} == {name for name, _, _ in file.vectors}


def test_a_settlement_is_decoded_and_encoded() -> None:
    for record, values in SETTLEMENTS.vectors:
        assert SETTLEMENTS.decode(bytes.fromhex(record)) == values
        assert SETTLEMENTS.encode(values) == bytes.fromhex(record)
