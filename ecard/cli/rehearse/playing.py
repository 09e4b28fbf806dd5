"""Playing the rows: which play an item's flow has, several rows at a time, each judged on its own."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from ecard.catalogue.model import Flow, Form
from ecard.cli.rehearse import acts, care, money, plays
from ecard.cli.rehearse.plays import Play
from ecard.cli.rehearse.rows import Found, Kind, Row
from ecard.cli.rehearse.stage import Stage

PLAYS: Mapping[Flow, Play] = {
    Flow.IDENTIFY: plays.identify,
    Flow.LOGIN: plays.login,
    Flow.PAY: money.pay,
    Flow.RIDE: money.ride,
    Flow.RECEIVE: money.receive,
    Flow.VOUCHER: money.voucher,
    Flow.APPLY: acts.apply,
    Flow.CERTIFY: acts.certify,
    Flow.MANAGE: acts.manage,
    Flow.CREDENTIAL: care.show_credential,
    Flow.RECORD: acts.work,
    Flow.SETTLE: care.settle,
    Flow.QUERY: care.look_up,
    Flow.TIMEBANK: care.volunteer,
}
"""How the items of each flow are played: a new flow is a line here, a new item is none."""
RECORDS: Mapping[str, Play] = {"A1-04": acts.certificate, "A2-52": care.take_down}
"""What is recorded in a way of its own: on a card, or off-line."""
_AT_ONCE = 6
"""Rows played at a time: most of a row is waiting for the server."""


def play(stage: Stage, rows: Sequence[Row], form: Form | None = None) -> Iterator[Found]:
    """Play every row; yield what became of each as it ends."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in as_completed([pool.submit(_judged, stage, row, form) for row in rows]):
            yield done.result()


def _judged(stage: Stage, row: Row, form: Form | None) -> Found:
    began, reached, wrong = time.monotonic(), "", ""
    try:
        reached = _played(stage, row, form)
    except Exception as error:  # noqa: BLE001 - whatever it was, the row is red and the others go on
        wrong = f"{type(error).__name__}: {error}"
    item, seconds = row.item, round(time.monotonic() - began, 2)
    return Found(
        item=item.code,
        title=item.title,
        domain=row.domain,
        flow=item.flow.value,
        kind=row.kind,
        form=row.form,
        seconds=seconds,
        reached=reached,
        wrong=wrong,
    )


def _played(stage: Stage, row: Row, form: Form | None) -> str:
    if row.kind is Kind.REFUSED and row.form is not None:
        return plays.refuse(stage, row.item, row.form)
    act = RECORDS.get(row.item.code) or PLAYS[row.item.flow]
    forms = [row.form] if row.form is not None else [one for one in row.item.forms if form in {None, one}]
    return "; ".join(act(stage, row.item, one) for one in forms)
