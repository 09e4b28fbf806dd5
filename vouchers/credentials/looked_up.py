"""Training and its certificates, as a source of look-ups (`ecard.records`): the truth of it is here."""

import datetime
from collections.abc import Callable, Mapping, Sequence

from ecard.db import Pool
from ecard.records.model import Person, Row
from ecard.workdays import BEIJING
from vouchers.credentials.records import training_of
from vouchers.credentials.schemas import Course, CourseOffer, Credential, Training

_STATES = {
    "bound": "已报名",
    "in_use": "培训中",
    "completed": "待审核",
    "audited": "已合格",
    "redeemed": "已合格",
    "settled": "已合格",
    "frozen": "已冻结",
}


class TrainingRecords:
    """What a person may take part in, takes part in and has taken."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ask(self, person: Person, sections: Sequence[str]) -> Mapping[str, Sequence[Row]]:
        """Return the person's training, each section as the API of training lists it."""
        async with self._pool.acquire() as connection:
            found = await training_of(connection, person.holder)
        return {name: _SECTIONS[name](found) for name in sections}


def _offers(found: Training) -> list[Row]:
    return [_offer(one) for one in found.may_take]


def _offer(one: CourseOffer) -> Row:
    return {
        "number": str(one.class_id),
        "title": one.title,
        "course": one.name,
        "institution": one.institution,
        "starts": _day(one.starts_at),
        "hours": one.hours,
        "seats": one.seats,
    }


def _courses(found: Training) -> list[Row]:
    return [_course(one) for one in (*found.taking, *found.taken)]


def _course(one: Course) -> Row:
    return {
        "number": str(one.voucher),
        "title": one.title,
        "course": one.name,
        "institution": one.institution,
        "starts": _day(one.starts_at),
        "hours": one.hours,
        "attended": one.attended,
        "state": _STATES.get(one.state, one.state),
    }


def _certificates(found: Training) -> list[Row]:
    return [_certificate(one) for one in found.credentials]


def _certificate(one: Credential) -> Row:
    return {
        "number": str(one.id),
        "title": one.title,
        "level": one.level,
        "institution": one.institution,
        "hours": one.hours,
        "issued": _day(one.issued_at),
        "state": "有效" if one.revoked_at is None else "已撤销",
    }


def _day(at: int) -> str:
    return datetime.datetime.fromtimestamp(at, BEIJING).date().isoformat()


_SECTIONS: Mapping[str, Callable[[Training], list[Row]]] = {
    "training.offers": _offers,
    "training.courses": _courses,
    "training.certificates": _certificates,
}
