"""Why a certificate is not put on record.

by the visit    OtherItem · CertificateRecorded
by the card     CertificateNotOnCard
"""

from ecard.errors import Conflict, EcardError, Text


class OtherItem(EcardError):
    """The visit is for another item than A1-04."""

    status = 422
    code = "employment_other_item"
    title = Text("该到访不是就业创业证事项", "The visit is not for this certificate")
    action = Text("请就 A1-04 重新核验。", "Make a visit for A1-04.")


class CertificateRecorded(Conflict):
    """This visit has put a certificate on record."""

    code = "employment_recorded"
    title = Text("本次到访已登记就业创业证", "This visit has put a certificate on record")
    action = Text("请让持卡人重新出示社会保障卡。", "Ask the holder to show the card again.")


class CertificateNotOnCard(Conflict):
    """The physical card was not written in this session, or with something else than what is to be recorded."""

    code = "employment_not_on_card"
    title = Text("卡内写入的内容与登记内容不一致", "The card does not hold what is to be recorded")
    action = Text(
        "请以相同内容 (card-sessions 的 write) 写卡后再登记。",
        "Write the same fields to the card first (write of card-sessions).",
    )
