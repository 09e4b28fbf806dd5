"""What the catalogue makes of evidence: which is taken, which is refused and why, and what may be told."""

from typing import Any

import msgspec
import pytest

from ecard.cards.model import Profile
from ecard.catalogue.load import load
from ecard.catalogue.model import Field, Form, Item, Proximity, Scene, Strength
from ecard.desk.errors import FormNotAccepted, TooWeak, VisitRefused, WrongPlace, WrongScene
from ecard.desk.model import Evidence, acr, check, check_form, disclose

SETTINGS = ["counter", "kiosk", "gate", "till", "online"]


def an_item(**changed: Any) -> Item:
    """Return an item that takes everything from anywhere, but for what is `changed`."""
    easy = {
        "forms": (Form.PHYSICAL, Form.ELECTRONIC),
        "scene": Scene.IDENTITY,
        "strength": Strength.POSSESSION,
        "proximity": Proximity.ANY,
    }
    return msgspec.structs.replace(load().get("A1-01"), **{**easy, **changed})


def evidence(**changed: Any) -> Evidence:
    plain = {
        "kind": "code",
        "form": Form.ELECTRONIC,
        "card": 1,
        "device": 2,
        "once": bytes(16),
        "shadow": None,
        "scene": Scene.IDENTITY,
        "strength": Strength.POSSESSION,
        "amr": ("pop",),
    }
    return Evidence(**{**plain, **changed})


def refusal(item: Item, given: Evidence, setting: str = "counter") -> VisitRefused:
    with pytest.raises(VisitRefused) as refused:
        check(item, given, setting)
    return refused.value


@pytest.mark.parametrize("form", Form)
def test_an_item_takes_its_own_forms_only(form: Form) -> None:
    [other] = set(Form) - {form}
    item = an_item(forms=(form,))
    check_form(item, form)
    check(item, evidence(form=form), "counter")
    error = refusal(item, evidence(form=other))
    assert type(error) is FormNotAccepted
    assert error.members == {"accepted": [form.value]}
    with pytest.raises(FormNotAccepted):
        check_form(item, other)


@pytest.mark.parametrize("scene", Scene)
def test_evidence_for_one_scene_is_taken_in_that_scene_only(scene: Scene) -> None:
    item = an_item(scene=scene)
    for shown in Scene:
        if shown is scene:
            check(item, evidence(scene=shown), "counter")
            continue
        error = refusal(item, evidence(scene=shown))
        assert type(error) is WrongScene
        assert error.members == {"required": scene.name.lower()}


def test_evidence_that_names_no_scene_is_for_any() -> None:
    for scene in Scene:
        check(an_item(scene=scene), evidence(scene=None), "counter")


@pytest.mark.parametrize(
    ("proximity", "near"),
    [
        (Proximity.ANY, {"counter", "kiosk", "gate", "till", "online"}),
        (Proximity.TERMINAL, {"counter", "kiosk", "gate", "till"}),
        (Proximity.COUNTER, {"counter"}),
    ],
)
def test_an_item_is_done_at_the_places_that_are_near_enough(proximity: Proximity, near: set[str]) -> None:
    item = an_item(proximity=proximity)
    for setting in SETTINGS:
        if setting in near:
            check(item, evidence(), setting)
            continue
        error = refusal(item, evidence(), setting)
        assert type(error) is WrongPlace
        assert error.members == {"required": proximity.value}


@pytest.mark.parametrize("least", Strength)
def test_evidence_must_be_as_strong_as_the_item_asks(least: Strength) -> None:
    order = [Strength.PRESENTED, Strength.POSSESSION, Strength.KNOWLEDGE, Strength.BIOMETRIC]
    item = an_item(strength=least)
    for proven in Strength:
        if order.index(proven) >= order.index(least):
            check(item, evidence(strength=proven), "counter")
            continue
        error = refusal(item, evidence(strength=proven))
        assert type(error) is TooWeak
        assert error.members == {"required": least.value}


def test_what_cannot_be_mended_by_the_holder_is_said_first() -> None:
    item = an_item(forms=(Form.PHYSICAL,), scene=Scene.PAY, proximity=Proximity.COUNTER, strength=Strength.BIOMETRIC)
    wrong = evidence()
    assert type(refusal(item, wrong, "online")) is FormNotAccepted
    item = msgspec.structs.replace(item, forms=(Form.ELECTRONIC,))
    assert type(refusal(item, wrong, "online")) is WrongScene
    item = msgspec.structs.replace(item, scene=Scene.IDENTITY)
    assert type(refusal(item, wrong, "online")) is WrongPlace
    assert type(refusal(item, wrong, "counter")) is TooWeak
    check(item, evidence(strength=Strength.BIOMETRIC), "counter")


def test_every_item_of_the_catalogue_takes_fitting_evidence_somewhere() -> None:
    for item in load().items:
        for form in item.forms:
            check(item, evidence(form=form, scene=item.scene, strength=Strength.BIOMETRIC), "counter")


@pytest.mark.parametrize(
    ("level", "strength", "said"),
    [
        (0, Strength.POSSESSION, "l0-possession"),
        (1, Strength.KNOWLEDGE, "l1-knowledge"),
        (2, Strength.BIOMETRIC, "l2-biometric"),
    ],
)
def test_the_context_says_level_and_strength(level: int, strength: Strength, said: str) -> None:
    assert acr(Form.ELECTRONIC, level, strength) == said


PROFILE = Profile(
    name="测试一",
    id_no="640102199001011234",
    sex="1",
    birth_date="1990-01-01",
    ethnicity="01",
    mobile="13900000000",
    address="测试路1号",
    card_no="T00000001",
    issuing_area="640100",
    bank_name="测试银行",
    bank_account="6299990000000000004",
    fare_class="adult",
)


def test_the_fields_asked_for_are_disclosed_and_no_other() -> None:
    assert disclose(PROFILE, ["name", "card_no"]) == {"name": "测试一", "card_no": "T00000001"}
    assert disclose(PROFILE, []) == {}


def test_every_field_of_the_catalogue_can_be_disclosed() -> None:
    everything = disclose(PROFILE, [field.value for field in Field])
    assert everything == msgspec.to_builtins(PROFILE) | {"id_type": "01"}


@pytest.mark.parametrize("field", ["level", "password", "__class__", "NAME", ""])
def test_what_is_no_field_of_the_catalogue_is_never_disclosed(field: str) -> None:
    with pytest.raises(ValueError, match="Field"):
        disclose(PROFILE, ["name", field])
