"""Why a credential is neither issued nor accepted.

to issue     ClaimTypeUnknown · ClaimItem · NothingOnRecord · ClaimIssued
to present   RequestOver · TooMuchShown · TooLittleShown
to verify    ClaimRefused: it proves nothing · ClaimRevoked: it was right once · ClaimStatusUnknown: nobody can say
"""

from ecard.errors import Conflict, EcardError, NotFound, Text


class ClaimTypeUnknown(NotFound):
    """No such type of credential, or no such claim of it."""

    code = "claim_type_unknown"
    title = Text("没有该类电子证照或其字段", "No such type of credential, or no such claim of it")
    action = Text("请查看 GET /v1/claim-types。", "See GET /v1/claim-types.")


class ClaimItem(EcardError):
    """The visit's item issues no credential of this type; `items` lists those that do."""

    status = 422
    code = "claim_wrong_item"
    title = Text("该事项不签发此类电子证照", "The visit's item issues no such credential")
    action = Text("请就 items 所列事项重新核验。", "Make a visit for an item in items.")


class NothingOnRecord(NotFound):
    """The authority knows of no such certificate of the holder's."""

    code = "claim_nothing_on_record"
    title = Text("主管部门没有该证件的记录", "The authority has no such certificate on record")
    action = Text("请向主管部门核实。", "Ask the authority.")


class ClaimIssued(Conflict):
    """This visit has issued a credential of this type."""

    code = "claim_issued"
    title = Text("本次到访已签发该电子证照", "This visit has issued it already")
    action = Text("请重新核验后再签发。", "Make another visit first.")


class RequestOver(Conflict):
    """The request was answered, or its time is over."""

    code = "claim_request_over"
    title = Text("该出示请求已完成或过期", "The request was answered, or is over")
    action = Text("请对方重新发起请求。", "Let the other side ask again.")


class TooMuchShown(EcardError):
    """The presentation shows more than was asked for; `claims` names what."""

    status = 422
    code = "claim_too_much"
    title = Text("出示的内容超出对方请求", "More is shown than was asked for")
    action = Text("请只出示对方请求的字段。", "Show no more than was asked for.")


class TooLittleShown(EcardError):
    """The presentation shows less than was asked for; `claims` names what is missing."""

    status = 422
    code = "claim_too_little"
    title = Text("出示的内容少于对方请求", "Less is shown than was asked for")
    action = Text("请出示对方请求的全部字段, 或不出示。", "Show all that was asked for, or nothing.")


class ClaimRefused(EcardError):
    """Not a valid presentation; `reason`: malformed, type, key, signature, claims, early, late, binding or holder."""

    status = 422
    code = "claim_refused"
    title = Text("不是有效的电子证照出示", "Not a valid presentation of a credential")
    action = Text(
        "请持证人从电子社保卡重新出示; 若 reason 为 key, 请更新离线包。",
        "Ask its owner to show it again from the e-card; where reason is key, fetch the bundle again.",
    )


class ClaimRevoked(EcardError):
    """The credential was revoked."""

    status = 422
    code = "claim_revoked"
    title = Text("电子证照已被吊销", "The credential was revoked")
    action = Text("请勿接受。", "Do not accept it.")


class ClaimStatusUnknown(EcardError):
    """The bundle holds no status list that this credential is on."""

    status = 422
    code = "claim_status_unknown"
    title = Text("离线包中没有该电子证照的状态", "The bundle does not know this credential's status")
    action = Text("请更新离线包 (GET /v1/credentials/bundle)。", "Fetch the bundle again (GET /v1/credentials/bundle).")
