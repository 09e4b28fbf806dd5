// Another OpenID provider, oidc-provider with its store in memory: the peer of measurements, and what the
// clients are tried against. The configuration: clients (their metadata), account, nonces (ask for DPoP nonces).
// Whoever comes to log in is `account` and agrees; backchannel requests are agreed to at once.

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { hear, say } from './talk.mjs'

const { default: Provider } = await import('oidc-provider')

const { clients, account = 'alice', nonces = false } = await hear()
const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const server = createServer()
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const { port } = server.address()

const agreed = async () => {}

async function granted(accountId, { client_id: clientId, scope, resource }) {
  const grant = new provider.Grant({ accountId, clientId })
  grant.addOIDCScope(scope)
  for (const one of [resource ?? []].flat()) grant.addResourceScope(one, 'read')
  return grant.save()
}

async function approve(request, { clientId }) {
  const grantId = await granted(request.accountId, { client_id: clientId, scope: request.scope })
  await provider.backchannelResult(request, grantId)
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  clientDefaults: { id_token_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256' },
  jwks: { keys: [{ ...await exportJWK(privateKey), alg: 'ES256', use: 'sig', kid: 'peer' }] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  claims: { openid: ['sub'], profile: ['name'] },
  clientBasedCORS: () => true,
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, name: '测试' }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => nonces },
    ciba: {
      enabled: true,
      deliveryModes: ['poll'],
      processLoginHint: async (ctx, hint) => hint,
      verifyUserCode: agreed,
      validateBindingMessage: agreed,
      validateRequestContext: agreed,
      triggerAuthenticationDevice: async (ctx, request, someone, client) => {
        setTimeout(() => approve(request, client), 100)
      },
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'read',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'ES256' } },
      }),
      useGrantedResource: () => true,
    },
  },
})

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next()
  const { params } = await provider.interactionDetails(ctx.req, ctx.res)
  const consent = { grantId: await granted(account, params) }
  ctx.respond = false
  return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: account }, consent })
})

server.on('request', provider.callback())
say({ port })
process.stdin.on('end', () => process.exit(0)).resume()
