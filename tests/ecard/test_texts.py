import pytest

from ecard.texts import shows


@pytest.mark.parametrize("text", ["网上办事大厅", "Portal No. 1", "é", "☎ 12333", "\U00020bb7"])
def test_what_people_can_read_shows(text: str) -> None:
    assert shows(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a\nb", "a\u202eb", "a\u200bb", "\u3164", "\u2800\u2800", "a\ue000", "a\u2028b", "a\ud800", "a\u00a0b"],
)
def test_what_hides_or_turns_text_around_does_not_show(text: str) -> None:
    assert not shows(text)
