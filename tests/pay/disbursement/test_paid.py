"""Benefits reach the card's account, once, as two operators approved them; their payees can prove it."""

from pathlib import Path

import msgspec

from ecard.settings import Settings
from tests.bank import Bank
from tests.benefits import Office, line
from tests.bureau import Bureau, ecard, refused
from tests.pay.ledger.checking import checked
from tests.pay.receivers import receiving


def test_a_batch_that_two_operators_approved_is_paid_to_its_cards_accounts(
    office: Office, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    one, two = bureau.register(), bureau.register(bank_account="6299990000000000038")
    before = office.fund()
    with receiving() as receiver:
        office.server.call("POST", "/v1/webhooks", {"url": receiver.url})
        batch = office.released([line(one, 30000, reference="a"), line(two, 12000, "travel")])
        lines = office.until(batch, "paid")
        [told] = receiver.hears(1)
    assert (told.json["type"], told.json["data"]["batch"]) == ("benefit_batch.done", batch["id"])
    assert [(row["n"], row["reference"], row["amount"], row["state"]) for row in lines] == [
        (1, "a", 30000, "paid"),
        (2, "", 12000, "paid"),
    ]
    [paid] = [tx for tx in bank.book().values() if tx["account"] == "6299990000000000038"]
    assert (paid["kind"], paid["amount"], paid["times"]) == ("payout", 12000, 1)
    assert office.fund() == before - 42000
    found = office.batch(batch)
    assert (found["lines"], found["total"], found["counts"]) == (2, 42000, {"paid": 2})
    checked(settings)


def test_a_payee_proves_offline_that_a_line_is_in_what_was_approved(
    office: Office, bureau: Bureau, bank: Bank, settings: Settings, tmp_path: Path
) -> None:
    del bank
    people = [bureau.register() for _ in range(5)]
    batch = office.handed_in([line(person, 100 + n) for n, person in enumerate(people)])
    phone = bureau.phone(people[3])
    [mine] = phone.call("GET", "/v1/me/benefits").json()
    assert (mine["amount"], mine["why"]["code"]) == (103, "review")
    path = f"/v1/me/benefits/{mine['id']}"
    with refused("benefit_proof_not_ready", 409):
        phone.call("GET", f"{path}/proof")
    office.approve(batch, 1)
    assert phone.call("GET", path).json()["why"]["code"] == "level1"
    office.approve(batch, 2)
    assert phone.call("GET", path).json()["why"]["code"] == "level2"
    proof = phone.call("GET", f"{path}/proof").content
    bundle, file = tmp_path / "bundle.json", tmp_path / "proof.json"
    bundle.write_bytes(bureau.http.get("/v1/bundle").content)
    file.write_bytes(proof)
    result = ecard(settings, "benefits", "verify", str(file), "--bundle", str(bundle))
    assert (result.exit_code, msgspec.json.decode(result.stdout)["amount"]) == (0, 103), result.output
    file.write_bytes(proof.replace(b",103,", b",903,"))
    assert ecard(settings, "benefits", "verify", str(file), "--bundle", str(bundle)).exit_code == 1
    with refused("not_found", 404):
        bureau.phone().call("GET", f"{path}/proof")


def test_a_reply_that_was_lost_is_asked_for_and_nothing_is_paid_twice(
    office: Office, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    bank.fault("lose_reply", on="payout", times=2)
    bank.fault("lose_request", on="payout", times=2)
    batch = office.released([line(bureau.register(bank_account=f"629999000000000005{n}"), 100) for n in range(6)])
    assert len(office.until(batch, "paid")) == 6
    paid = [tx for tx in bank.book().values() if tx["account"].startswith("62999900000000000" + "5")]
    assert sorted(tx["account"][-1] for tx in paid if tx["state"] == "ok") == ["0", "1", "2", "3", "4", "5"]
    checked(settings)


def test_a_payee_is_told_why_a_benefit_is_not_paid_yet(bureau: Bureau) -> None:
    announced = Office(bureau, notice_days=7)
    person = bureau.register()
    batch = announced.handed_in([line(person)])
    [mine] = bureau.phone(person).call("GET", "/v1/me/benefits").json()
    assert (mine["why"]["code"], mine["why"]["until"]) == ("notice", batch["notice_ends_at"])
    notices = bureau.http.get("/v1/benefit-notices").json()
    [own] = [one for one in notices if one["batch"] == batch["id"]]
    assert (own["lines"], own["total"], own["agency"]) == (1, 30000, "测试就业局")
    assert not {"name", "id_no", "payee"} & own.keys()
