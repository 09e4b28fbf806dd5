"""The policy of the real rows: which flow, how much is disclosed, how strong the evidence."""

from collections import Counter

from ecard.catalogue.load import load
from ecard.catalogue.model import Field, Flow, Form, Item, Scene, Strength

ITEMS = load().items


def of(flow: Flow) -> list[Item]:
    return [item for item in ITEMS if item.flow is flow]


def codes(flow: Flow) -> list[str]:
    return [item.code for item in of(flow)]


def test_the_flows_of_money_and_of_their_own_kind_are_those_the_annexes_name() -> None:
    assert codes(Flow.PAY) == ["A1-69", "A1-75", "A1-79", "A2-03", "A2-28", "A2-34", "A2-44", "A2-46"]
    assert codes(Flow.SETTLE) == ["A1-51", "A1-52", "A1-53", "A2-54", "A2-55", "A2-56", "A2-63"]
    assert codes(Flow.RIDE) == ["A2-26"]
    assert codes(Flow.VOUCHER) == ["A1-73"]
    assert codes(Flow.CREDENTIAL) == ["A2-13"]
    assert codes(Flow.TIMEBANK) == ["A2-06"]
    assert codes(Flow.LOGIN) == ["A1-94", "A1-95", "A2-01"]
    assert codes(Flow.CERTIFY) == ["A1-35", "A1-56", "A3-17", "A3-18", "A3-19"]
    assert codes(Flow.MANAGE) == [f"A3-{no:02}" for no in (1, 2, 3, 4, 5, 20, 21, 22, 23, 24)]


def test_every_flow_is_used_by_an_item() -> None:
    assert set(Counter(item.flow for item in ITEMS)) == set(Flow)


def test_whatever_annexes_1_and_2_call_money_settlement_or_inquiry_flows_so() -> None:
    allowed = {
        "缴费和待遇领取": {Flow.PAY, Flow.RECEIVE, Flow.RIDE},
        "就医结算": {Flow.SETTLE},
        "自助查询": {Flow.QUERY},
        "信息记录": {Flow.RECORD},
    }
    wrong = [item.code for item in ITEMS if item.function in allowed and item.flow not in allowed[item.function]]
    assert wrong == []


def test_money_out_of_the_electronic_card_needs_the_second_level_and_nothing_else_does() -> None:
    second = {item.flow for item in ITEMS if item.level == 2}
    first = {item.flow for item in ITEMS if item.level == 1}
    assert second == {Flow.PAY, Flow.SETTLE, Flow.RIDE}
    assert not first & second


def test_a_benefit_is_received_with_the_physical_card_only() -> None:
    assert {item.forms for item in of(Flow.RECEIVE)} == {(Form.PHYSICAL,)}


def test_a_bank_account_is_disclosed_only_where_money_is_paid_to_it_or_it_is_managed() -> None:
    shown = {item.flow for item in ITEMS if Field.BANK_ACCOUNT in item.fields}
    assert shown == {Flow.RECEIVE, Flow.MANAGE, Flow.APPLY}
    applying = [item.code for item in of(Flow.APPLY) if Field.BANK_ACCOUNT in item.fields]
    assert applying == ["A3-08", "A3-09", "A3-10"]


def test_the_payer_of_a_reward_does_not_learn_who_reported() -> None:
    (reward,) = (item for item in ITEMS if item.code == "A1-26")
    assert reward.fields == (Field.BANK_NAME, Field.BANK_ACCOUNT)


def test_a_gate_learns_the_fare_class_and_not_who_rides() -> None:
    assert [item.fields for item in of(Flow.RIDE)] == [(Field.FARE_CLASS,)]


def test_doors_parks_and_museums_learn_nothing() -> None:
    nothing = [item.code for item in of(Flow.IDENTIFY) if not item.fields]
    assert nothing == ["A2-32", "A2-33", "A2-45"]


def test_a_payee_learns_no_more_than_the_payers_name() -> None:
    assert {item.fields for item in of(Flow.PAY)} == {(), (Field.NAME,)}


def test_acts_on_the_card_or_on_money_ask_for_a_secret() -> None:
    assert {item.strength for flow in (Flow.SETTLE, Flow.MANAGE) for item in of(flow)} == {Strength.KNOWLEDGE}


def test_a_card_that_was_read_and_not_proven_opens_libraries_parks_and_museums_alone() -> None:
    # No money, no number, and nothing that a copied card could do harm with; the gates of homes are not among them.
    weakest = [item for item in ITEMS if item.strength is Strength.PRESENTED]
    assert [item.code for item in weakest] == ["A2-32", "A2-33", "A2-35"]
    assert all(item.flow is Flow.IDENTIFY and item.level == 1 for item in weakest)
    assert {field for item in weakest for field in item.fields} <= {Field.NAME}


def test_only_the_real_person_check_of_examinations_asks_for_a_face() -> None:
    assert [item.code for item in ITEMS if item.strength is Strength.BIOMETRIC] == ["A1-68"]


def test_every_purpose_names_its_item_apart_from_the_two_that_are_one_act() -> None:
    twice = [zh for zh, count in Counter(item.purpose.zh for item in ITEMS).items() if count > 1]
    assert twice == ["用于变更您的个人基本信息前核实您本人。"]
    assert {item.purpose.zh[0:2] + item.purpose.zh[-1] for item in ITEMS} == {"用于。"}
    assert {item.purpose.en[0:3] + item.purpose.en[-1] for item in ITEMS} == {"To ."}


def test_each_scene_belongs_to_its_flow() -> None:
    own = {Flow.PAY: Scene.PAY, Flow.RIDE: Scene.RIDE, Flow.VOUCHER: Scene.VOUCHER, Flow.SETTLE: Scene.MEDICAL}
    assert all(item.scene is own.get(item.flow, Scene.IDENTITY) for item in ITEMS)
