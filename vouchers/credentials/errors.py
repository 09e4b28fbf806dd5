"""Why a certificate is not accepted.

CredentialRefused: it proves nothing · CredentialRevoked: it was right once · CredentialStatusUnknown: nobody can say
"""

from ecard.errors import EcardError, Text


class CredentialRefused(EcardError):
    """Not a certificate of this platform; `reason`: malformed, type, key, signature, claims, early or late."""

    status = 422
    code = "credential_refused"
    title = Text("不是本平台签发的有效证书", "Not a valid certificate of this platform")
    action = Text(
        "请让持证人从电子社保卡重新出示; 若 reason 为 key, 请更新离线包。",
        "Ask its owner to show it again from the e-card; where reason is key, fetch the bundle again.",
    )


class CredentialRevoked(EcardError):
    """The certificate was revoked: the voucher behind it was reversed."""

    status = 422
    code = "credential_revoked"
    title = Text("证书已被吊销", "The certificate was revoked")
    action = Text("请勿接受此证书; 持证人可向签发机构查询。", "Do not accept it; its owner may ask who issued it.")


class CredentialStatusUnknown(EcardError):
    """The bundle holds no status list that this certificate is on: it is younger than the bundle, or not ours."""

    status = 422
    code = "credential_status_unknown"
    title = Text("离线包中没有该证书的状态", "The bundle does not know this certificate's status")
    action = Text("请更新离线包 (GET /v1/credentials/bundle)。", "Fetch the bundle again (GET /v1/credentials/bundle).")
