"""Discovery (OpenID Connect Discovery §3, RFC 8414): what this provider can do, for programs."""

from typing import Any

from auth.clients.model import AuthMethod, GrantType
from auth.server import Server
from ecard.catalogue.model import Field, Strength
from ecard.keyring.model import Purpose
from ecard.keys import to_jwk

_ALGORITHMS = ["ES256", "EdDSA"]


def discovery(server: Server) -> dict[str, Any]:
    """Return the discovery document; all of it follows from the code, nothing is a wish."""
    issuer = server.issuer
    methods = [method.value for method in AuthMethod]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "device_authorization_endpoint": f"{issuer}/oauth/device",
        "backchannel_authentication_endpoint": f"{issuer}/oauth/ciba",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "scopes_supported": ["openid", "offline_access", *(item.scope for item in server.catalogue.items)],
        "claims_supported": ["sub", "acr", "amr", "auth_time", "sid", "name", "holder", "agency", "role"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [one.value for one in GrantType],
        "acr_values_supported": [
            f"l{level}-{strength}" for level in (1, 2) for strength in Strength if strength.proven
        ],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": _ALGORITHMS,
        "request_object_signing_alg_values_supported": _ALGORITHMS,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": _ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": methods[:-1],
        "introspection_endpoint_auth_signing_alg_values_supported": _ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": _ALGORITHMS,
        "dpop_signing_alg_values_supported": _ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["zh", "en"],
        "authorization_details_types_supported": ["ecard_item"],
        "ecard_fields_supported": [field.value for field in Field],
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_authentication_request_signing_alg_values_supported": _ALGORITHMS,
        "backchannel_user_code_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": True,
        # Of a `request_uri` only PAR's own is taken, for which the endpoint above speaks (RFC 9126 §5).
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }


def jwks(server: Server) -> dict[str, Any]:
    """Return the public keys of access, ID and logout tokens (RFC 7517); never an empty set (raises NoKey)."""
    now, ring = server.runtime.clock.time(), server.runtime.ring
    ring.signing(Purpose.TOKEN, now)
    keys = [
        {"kid": key.kid, "use": "sig", "alg": key.suite.value} | to_jwk(key.suite, key.public)
        for key in ring.published(Purpose.TOKEN, now)
    ]
    return {"keys": keys}
