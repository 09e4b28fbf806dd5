"""Why a registration or a session is refused."""

from ecard.errors import Conflict, Invalid, Text, Unauthenticated


class ActorUnknown(Unauthenticated):
    """No living registered key has this id, or the signature is not its."""

    code = "actor_unknown"
    title = Text("未注册或已停用的密钥", "The key is not registered, or is revoked")
    action = Text(
        "请先注册密钥; keyid 须为注册返回的标识。", "Register the key first; keyid is the id that you were given."
    )


class ShareRefused(Invalid):
    """The key share is no point on P-256."""

    code = "share_refused"
    title = Text("会话密钥份额无效", "The session's key share is not valid")
    action = Text("share 须为 P-256 未压缩公钥的 base64url。", "share is an uncompressed P-256 point in base64url.")


class KeyRefused(Invalid):
    """The public key is not one of the accepted suites, or not on its curve."""

    code = "public_key_refused"
    title = Text("公钥无效", "The public key is not valid")
    action = Text("请提交 P-256 或 Ed25519 公钥 (JWK)。", "Send a P-256 or Ed25519 public key (JWK).")


class UsccRefused(Invalid):
    """The unified social credit code is wrong (GB 32100)."""

    code = "uscc_refused"
    title = Text("统一社会信用代码不正确", "The unified social credit code is wrong")
    action = Text("请核对 18 位代码及校验位。", "Check the 18 characters and the check digit.")


class AlreadyRegistered(Conflict):
    """The key or the agency is registered."""

    code = "already_registered"
    title = Text("已注册", "Already registered")
    action = Text("每个密钥、每个机构代码只能注册一次。", "Each key and each agency's code is registered once.")
