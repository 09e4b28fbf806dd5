import pytest

from ecard.client import Refused
from tests.bureau import Bureau


def test_a_code_gives_an_assertion_once(bureau: Bureau) -> None:
    phone = bureau.phone()
    code = phone.code()
    answer = bureau.terminal().visit("A1-01", code)
    assert answer["form"] == "electronic"
    with pytest.raises(Refused) as refused:
        bureau.terminal().visit("A1-01", code)
    assert refused.value.code == "code_replayed"
