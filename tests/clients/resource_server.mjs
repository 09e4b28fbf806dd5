// A resource server made of oauth4webapi. The configuration: issuer, audience, request {method, url, headers},
// require_dpop. Says the access token's claims.

import * as oauth from 'oauth4webapi'
import { answer } from './talk.mjs'

await answer(async ({ issuer, audience, request, require_dpop }) => {
  const plain = { [oauth.allowInsecureRequests]: true }
  const at = new URL(issuer)
  const found = await oauth.discoveryRequest(at, { ...plain, algorithm: 'oauth2' })
  const server = await oauth.processDiscoveryResponse(at, found)
  return oauth.validateJwtAccessToken(server, new Request(request.url, request), audience, {
    ...plain,
    requireDPoP: require_dpop ?? false,
    signingAlgorithms: ['ES256'],
  })
})
