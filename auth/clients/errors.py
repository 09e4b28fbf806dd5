"""Why the registration of a client is refused."""

from ecard.errors import Conflict, Invalid, Text


class AgencyAmbiguous(Invalid):
    """The agency is named twice, or not at all."""

    code = "client_agency_ambiguous"
    title = Text("须且只能以一种方式指明机构", "Name the agency in exactly one way")
    action = Text("请提供 agency 或 agency_uscc 之一。", "Send agency or agency_uscc, one of them.")


class MethodRefused(Invalid):
    """The way of authentication does not go with the profile (FAPI 2.0 §5.3.2.1)."""

    code = "auth_method_refused"
    title = Text("认证方式与安全规范不符", "The authentication method does not go with the profile")
    action = Text(
        "fapi2 须用 private_key_jwt; none 仅限 standard。", "fapi2 takes private_key_jwt; none is for standard alone."
    )


class RedirectRefused(Invalid):
    """A redirect URI that may not be registered; `pointer` says which."""

    code = "redirect_uri_refused"
    title = Text("重定向地址不可登记", "The redirect URI may not be registered")
    action = Text(
        "请使用 https 地址或应用自有方案 (如 cn.example.app:/back), 不含片段; http 仅限沙箱应用的本机地址。",
        "Use https or an app's own scheme (cn.example.app:/back), no fragment; http is for sandbox clients alone.",
    )


class AddressRefused(Invalid):
    """An address that we are to call (keys, logout) and may not be registered."""

    code = "client_address_refused"
    title = Text("回调或公钥地址不可登记", "The address of keys or of logout may not be registered")
    action = Text(
        "请使用公网可达的 https 地址 (建议域名), 不含片段; http 与内网地址仅限沙箱应用。",
        "Use https without a fragment, a name or a public address; http and private ones are for sandbox clients.",
    )


class KeysRefused(Invalid):
    """The keys do not fit; `reason` is missing, both, not_expected, private, kid, or unusable."""

    code = "client_keys_refused"
    title = Text("应用公钥不正确", "The client's keys are not right")
    action = Text(
        "private_key_jwt 须提供 jwks 或 jwks_uri 之一; jwks 仅含公钥, 至少一个 P-256 或 Ed25519 签名公钥, "
        "kid 各不相同。其他方式不提供。",
        "private_key_jwt takes jwks or jwks_uri; jwks has public keys only, one P-256 or Ed25519 signing key at least, "
        "each with a kid of its own. Other methods take neither.",
    )


class GrantTypesRefused(Invalid):
    """The grant types do not go together; `reason` is public_client, refresh_alone or redirect_uri_missing."""

    code = "grant_types_refused"
    title = Text("授权类型组合不正确", "These grant types do not go together")
    action = Text(
        "认证方式 none 不得用 client_credentials、ciba、jwt-bearer; refresh_token 须与其他类型同用; "
        "authorization_code 须有重定向地址。",
        "A client of none takes no client_credentials, ciba or jwt-bearer; refresh_token stands beside another; "
        "authorization_code needs a redirect URI.",
    )


class SandboxRefused(Invalid):
    """A sandbox client in an installation that serves real people."""

    code = "sandbox_client_refused"
    title = Text("正式环境不接受沙箱应用", "No sandbox client outside a sandbox")
    action = Text("请在沙箱环境登记, 或去掉 sandbox。", "Register it in a sandbox, or leave sandbox out.")


class SectorTaken(Conflict):
    """The sector is another agency's: two agencies in one sector could put their pseudonyms together."""

    code = "sector_taken"
    title = Text("该标识域属于另一机构", "The sector belongs to another agency")
    action = Text("请使用本机构的域名, 或省略 sector。", "Use a host of the agency's own, or leave sector out.")


class NoCredentials(Conflict):
    """A public client has nothing to renew."""

    code = "client_has_no_credentials"
    title = Text("该应用没有可更换的凭据", "The client has no credentials to renew")
    action = Text("认证方式为 none 的应用无需更换。", "A client of method none has none; nothing is to be done.")
