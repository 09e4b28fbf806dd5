"""From a claimed voucher to an audited one, as institution, learner and bureau do it."""

from tests.bureau import Bureau
from tests.cardio.reads import Counter, new_card
from tests.school import REGISTER, School, audit, join, learner, scheme, second
from tests.training import FACE


def test_a_learner_joins_attends_completes_and_is_audited(bureau: Bureau) -> None:
    school, programme = School(bureau), scheme(bureau)
    class_ = school.rehearse(programme, 3, fee=FACE)
    person, card = new_card(bureau)
    phone = bureau.phone(person)
    voucher = programme.claim(phone)["id"]
    assert join(phone, class_, voucher)["own"] == 0
    first = school.check_in(class_, phone.code("voucher"))
    assert (first["session"], first["how"], first["holder"]["name"]) == (1, "code", person.facts["name"])
    code = school.shown(class_, 2)
    second_ = phone.call("POST", "/v1/me/attendances", {"code": code}).json()
    assert (second_["session"], second_["how"]) == (2, "class_code")
    counter = Counter(bureau, agency=school.agency)
    read = counter.read(REGISTER, card)
    body = {"item": REGISTER, "evidence": {"kind": "card", "session": read["id"]}}
    third = counter.terminal.call("POST", f"/v1/classes/{class_}/attendances", body).json()
    assert (third["session"], third["how"]) == (3, "card")
    counter.close()
    assert [use["item"] for use in phone.uses()] == ["A1-74", "A1-73", "A1-73"]
    completion = school.complete(class_, voucher)
    assert (completion["hours"], completion["needed"], completion["amount"]) == (3, 3, FACE)
    assert audit(bureau.training, completion["id"])["state"] == "submitted"
    assert audit(second(bureau), completion["id"], amount=FACE - 1)["state"] == "passed"
    seen = school.voucher(voucher)
    assert (seen["state"], seen["amount"], seen["hours"]) == ("audited", FACE - 1, 3)
    assert learner(programme, class_=class_)
