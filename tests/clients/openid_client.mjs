// A relying party made of openid-client. The configuration:
//   issuer, client_id, flow; private_jwk | client_secret (+ "auth_method") | neither; redirect_uri; scope;
//   authorization_details; parameters (more of the request); dpop (default true); dpop_jwk (a key to go on with);
//   par (default true); token (for refresh, introspect, revoke); login_hint, binding_message; resource;
//   wait (seconds to poll at most, default 30), interval (seconds between polls, default what the provider says);
//   discovery ("oidc" or "oauth2"); userinfo (default true: asked for, unless the token is for a resource).

import { exportJWK, importJWK } from 'jose'
import * as client from 'openid-client'
import { answer, hear, say } from './talk.mjs'

const privateKey = async (jwk) => ({ key: await importJWK(jwk, jwk.alg ?? 'ES256'), kid: jwk.kid })

async function authentication({ private_jwk, client_secret, auth_method }) {
  if (private_jwk) return client.PrivateKeyJwt(await privateKey(private_jwk))
  if (!client_secret) return client.None()
  return auth_method === 'client_secret_post'
    ? client.ClientSecretPost(client_secret)
    : client.ClientSecretBasic(client_secret)
}

async function keyPair(jwk) {
  if (!jwk) return client.randomDPoPKeyPair('ES256', { extractable: true })
  const { d, ...open } = jwk
  return {
    privateKey: await importJWK({ ...open, d }, 'ES256', { extractable: true }),
    publicKey: await importJWK(open, 'ES256', { extractable: true }),
  }
}

function asked(given) {
  const parameters = { scope: given.scope ?? 'openid', ...given.parameters }
  if (given.authorization_details) parameters.authorization_details = JSON.stringify(given.authorization_details)
  if (given.resource) parameters.resource = given.resource
  return parameters
}

async function code(config, given, options) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  }
  const parameters = {
    ...asked(given),
    redirect_uri: given.redirect_uri,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
  }
  const url = given.par === false
    ? client.buildAuthorizationUrl(config, parameters)
    : await client.buildAuthorizationUrlWithPAR(config, parameters, options)
  say({ authorize: url.href, state: checks.expectedState, nonce: checks.expectedNonce })
  const more = given.resource ? { resource: given.resource } : {}
  return client.authorizationCodeGrant(config, new URL(await hear()), { ...checks, idTokenExpected: true }, more, options)
}

const polled = (started, { interval, wait = 30 }, options) => [
  { ...started, interval: interval ?? started.interval },
  undefined,
  { ...options, signal: AbortSignal.timeout(wait * 1000) },
]

async function device(config, given, options) {
  const started = await client.initiateDeviceAuthorization(config, asked(given))
  say({ ...started, ecl: started.verification_uri_complete })
  return client.pollDeviceAuthorizationGrant(config, ...polled(started, given, options))
}

async function ciba(config, given, options) {
  const hints = { login_hint: given.login_hint }
  if (given.binding_message) hints.binding_message = given.binding_message
  const started = await client.initiateBackchannelAuthentication(config, { ...asked(given), ...hints })
  say(started)
  return client.pollBackchannelAuthenticationGrant(config, ...polled(started, given, options))
}

const LOGINS = {
  code,
  device,
  ciba,
  refresh: (config, given, options) => client.refreshTokenGrant(config, given.token, undefined, options),
  client_credentials: (config, given, options) => client.clientCredentialsGrant(config, asked(given), options),
}

await answer(async (given) => {
  const metadata = { id_token_signed_response_alg: 'ES256', ...given.metadata }
  const config = await client.discovery(
    new URL(given.issuer), given.client_id, metadata, await authentication(given),
    { execute: [client.allowInsecureRequests], algorithm: given.discovery ?? 'oidc' },
  )
  if (given.flow === 'metadata') return config.serverMetadata()
  if (given.flow === 'introspect') return client.tokenIntrospection(config, given.token)
  if (given.flow === 'revoke') {
    await client.tokenRevocation(config, given.token)
    return { revoked: true }
  }
  const keys = given.dpop === false ? null : await keyPair(given.dpop_jwk)
  const options = keys ? { DPoP: client.getDPoPHandle(config, keys) } : {}
  const tokens = await LOGINS[given.flow](config, given, options)
  const claims = tokens.claims() ?? null
  const userinfo = claims && given.userinfo !== false && !given.resource
    ? await client.fetchUserInfo(config, tokens.access_token, claims.sub, options)
    : null
  return { tokens, claims, userinfo, dpop_jwk: keys && { ...await exportJWK(keys.privateKey), alg: 'ES256' } }
})
