"""The rules of the catalogue's terms."""

import msgspec
import pytest

from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.load import load
from ecard.catalogue.model import Catalogue, Flow, Form, Function, Proximity, Purpose, Scene, Selection, Strength

CATALOGUE = load()


def codes(selection: Selection) -> list[str]:
    return [item.code for item in CATALOGUE.select(selection)]


def test_an_item_is_found_by_its_code() -> None:
    assert CATALOGUE.get("A2-26").title == "公交地铁刷卡（码）乘车"


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(ItemUnknown):
        CATALOGUE.get("A4-01")


def test_scope_acr_and_scene_follow_from_the_row() -> None:
    item = CATALOGUE.get("A1-51")
    assert (item.scope, item.acr, item.scene) == ("ecard_item:A1-51", "l2-knowledge", Scene.MEDICAL)


def test_an_item_permits_only_the_forms_of_its_row() -> None:
    item = CATALOGUE.get("A1-13")
    assert item.permits(Form.PHYSICAL)
    assert not item.permits(Form.ELECTRONIC)


def test_strength_is_ordered_by_rank_and_not_by_spelling() -> None:
    assert sorted(Strength, key=lambda strength: strength.rank) == [
        "presented",
        "possession",
        "knowledge",
        "biometric",
    ]
    assert Strength.BIOMETRIC.meets(Strength.KNOWLEDGE)
    assert Strength.KNOWLEDGE.meets(Strength.KNOWLEDGE)
    assert not Strength.POSSESSION.meets(Strength.KNOWLEDGE)
    assert not Strength.PRESENTED.meets(Strength.POSSESSION)


def test_a_counter_is_closer_than_a_terminal_and_a_terminal_than_anywhere() -> None:
    assert Proximity.COUNTER.meets(Proximity.TERMINAL)
    assert Proximity.TERMINAL.meets(Proximity.ANY)
    assert not Proximity.ANY.meets(Proximity.TERMINAL)


def test_the_bytes_of_the_scenes_never_change() -> None:
    assert {scene.name: scene.value for scene in Scene} == {
        "IDENTITY": 1, "PAY": 2, "RIDE": 3, "VOUCHER": 4, "MEDICAL": 5,
    }  # fmt: skip


def test_an_empty_selection_selects_everything() -> None:
    assert CATALOGUE.select(Selection()) == CATALOGUE.items


def test_each_filter_selects_by_its_own_column() -> None:
    assert len(codes(Selection(annex=3))) == 32
    assert codes(Selection(flow=Flow.RIDE)) == ["A2-26"]
    assert len(codes(Selection(function=Function.SETTLEMENT))) == 7
    assert codes(Selection(domain="其他")) == ["A1-93", "A1-94", "A1-95"]
    assert codes(Selection(agency="公安部门")) == ["A2-12", "A2-13", "A2-29"]
    assert len(codes(Selection(form=Form.ELECTRONIC))) == 109 + 5 + 32


def test_filters_are_joined_by_and() -> None:
    assert codes(Selection(annex=2, flow=Flow.PAY, agency="交通部门")) == ["A2-28", "A2-34"]


def test_the_search_looks_into_code_title_and_description_without_regard_to_case() -> None:
    assert codes(Selection(q="a2-2")) == [f"A2-{no}" for no in range(20, 30)]
    assert codes(Selection(q="外籍")) == ["A3-26"]
    assert codes(Selection(q="pc端")) == ["A1-94"]


def test_a_flow_has_labels_in_both_languages() -> None:
    assert (CATALOGUE.flow(Flow.SETTLE).zh, CATALOGUE.flow(Flow.SETTLE).en) == ("就医结算", "Settle")


def test_the_agencies_are_listed_once_each() -> None:
    assert len(CATALOGUE.agencies) == len(set(CATALOGUE.agencies)) == 25
    assert CATALOGUE.agencies[0] == "政务服务部门"


def test_the_version_is_the_same_for_the_same_data_and_another_for_any_change() -> None:
    item = CATALOGUE.items[0]
    purpose = Purpose(zh="用于测试。", en=item.purpose.en)
    changed = (msgspec.structs.replace(item, purpose=purpose), *CATALOGUE.items[1:])
    assert len(CATALOGUE.version) == 64
    assert load().version == CATALOGUE.version
    assert Catalogue(items=changed, flows=CATALOGUE.flows).version != CATALOGUE.version
