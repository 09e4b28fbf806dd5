"""A whistle-blower is paid; neither the agency nor what the bank is told nor a copy of the tables says who it is."""

from ecard.settings import Settings
from pay.disbursement.model import is_token, new_token
from tests.bank import Bank
from tests.benefits import REWARD, Office
from tests.bureau import Bureau, refused, rows


def test_a_reward_is_paid_to_a_pseudonym(bureau: Bureau, bank: Bank, settings: Settings) -> None:
    office = Office(bureau, item=REWARD, components=["case_1", "case_2"])
    assert office.programme["pseudonymous"]
    person = bureau.register(bank_account="6299990000000000079")
    phone = bureau.phone(person)
    asked = {"programme": office.programme["id"]}
    payee = phone.call("POST", "/v1/me/benefit-payees", asked).json()["payee"]
    assert is_token(payee)
    assert phone.call("POST", "/v1/me/benefit-payees", asked).json()["payee"] == payee
    batch = office.open()
    named = {"id_no": person.facts["id_no"], "name": person.facts["name"]}
    told = office.upload(
        batch,
        [
            {"payee": payee, "component": "case_1", "amount": 5000},
            {"payee": new_token(), "component": "case_1", "amount": 5000},
            {**named, "component": "case_2", "amount": 5000},
        ],
    )
    assert (told["taken"], [one["reason"] for one in told["refused"]]) == (1, ["unknown_payee"] * 2)
    handed_in = office.submit(batch)
    office.approve(handed_in, 1)
    office.approve(handed_in, 2)
    office.release(handed_in)
    [paid] = office.until(batch, "paid")
    assert not {"name", "id_no", "payee"} & paid.keys()
    [mine] = phone.call("GET", "/v1/me/benefits").json()
    assert (mine["item"], mine["amount"], mine["state"]) == (REWARD, 5000, "paid")
    assert [tx["amount"] for tx in bank.book().values() if tx["account"] == "6299990000000000079"] == [5000]
    [(holder,)] = rows(
        settings, "SELECT c.holder FROM card c JOIN device d ON d.card = c.seq WHERE d.actor = $1", phone.actor
    )
    for table in ("benefit_line", "benefit_pseudonym", "benefit_manifest", "benefit_batch", "audit_event"):
        where = "WHERE kind LIKE 'benefit%'" if table == "audit_event" else ""
        sql = f"SELECT count(*) FROM {table} t WHERE t::text LIKE $1 {where.replace('WHERE', 'AND')}"
        assert rows(settings, sql, f"%{holder}%")[0][0] == 0


def test_a_pseudonym_is_given_where_a_programme_uses_them(office: Office, bureau: Bureau) -> None:
    phone = bureau.phone()
    with refused("benefit_not_pseudonymous", 409):
        phone.call("POST", "/v1/me/benefit-payees", {"programme": office.programme["id"]})
    with refused("not_found", 404):
        phone.call("POST", "/v1/me/benefit-payees", {"programme": str(phone.actor)})
