from ecard.catalogue.labels import LABELS
from ecard.catalogue.model import Field


def test_every_field_that_may_be_disclosed_has_a_name_for_people_in_both_languages() -> None:
    assert list(LABELS) == list(Field)
    assert all(label.zh and label.en.isascii() for label in LABELS.values())
