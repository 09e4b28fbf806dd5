// A verifier of Open Badges written from the specifications and with jose alone: Open Badges 3.0 §8.2.4 (the key that
// `kid` names, the claims that must agree) and W3C Bitstring Status List 1.0 §3.2 (the bit of the certificate).
// The configuration: a certificate, its issuer, and where that issuer is really reached. Says the badge, and `revoked`.

import { gunzipSync } from 'node:zlib'
import { compactVerify, importJWK, jwtVerify } from 'jose'
import { answer } from './talk.mjs'

const MINIMUM = 131072 / 8

await answer(async ({ credential, issuer, base }) => {
  const reach = async (url) => {
    if (!url.startsWith(`${issuer}/`)) throw new Error('a URL that is not the issuer’s')
    const found = await fetch(url.replace(issuer, base))
    if (!found.ok) throw new Error(`${found.status} for ${url}`)
    return found
  }
  const key = async ({ kid, alg }) => importJWK(await (await reach(kid)).json(), alg)

  const { payload: badge, protectedHeader: header } = await jwtVerify(credential, key, { issuer, typ: 'JWT' })
  agree(badge.iss, badge.issuer.id)
  agree(badge.sub, badge.credentialSubject.id)
  agree(badge.jti, badge.id)
  agree(badge.nbf, Date.parse(badge.validFrom) / 1000)
  agree(Object.keys(header).sort().join(), 'alg,kid,typ')

  const entry = badge.credentialStatus
  agree(entry.type, 'BitstringStatusListEntry')
  const published = await reach(entry.statusListCredential)
  const signed = await compactVerify(await published.text(), key)
  const list = JSON.parse(Buffer.from(signed.payload))
  agree(list.issuer, issuer)
  agree(list.id, entry.statusListCredential)
  agree(list.credentialSubject.statusPurpose, entry.statusPurpose)
  if (Date.parse(list.validUntil) <= Date.now()) throw new Error('a list of the past')
  const { encodedList } = list.credentialSubject
  agree(encodedList[0], 'u')
  const bits = gunzipSync(Buffer.from(encodedList.slice(1), 'base64url'))
  if (bits.length < MINIMUM) throw new Error('a list too short')
  const index = Number(entry.statusListIndex)
  return { badge, list, media: published.headers.get('content-type'), revoked: Boolean(bits[index >> 3] & (128 >> index % 8)) }
})

function agree(said, meant) {
  if (said !== meant) throw new Error(`${said} is not ${meant}`)
}
