// A page without a server of its own: it logs in with oidc-client-ts, its tokens bound to a key of the browser.

const show = (id, value) => { document.getElementById(id).textContent = JSON.stringify(value, null, 2) }

const config = await (await fetch('/config.json')).json()
const manager = new oidc.UserManager({
  redirect_uri: `${location.origin}/callback`,
  dpop: { store: new oidc.IndexedDbDPoPStore() },
  ...config,
})

// The library asks for userinfo with a bearer token; a bound one is shown with a proof, and with the nonce asked for.
async function userinfo(user) {
  const url = await manager.metadataService.getUserInfoEndpoint()
  let nonce
  for (let tries = 0; tries < 2; tries += 1) {
    const headers = { Authorization: `DPoP ${user.access_token}`, DPoP: await manager.dpopProof(url, user, 'GET', nonce) }
    const answer = await fetch(url, { headers })
    if (answer.ok) return answer.json()
    nonce = answer.headers.get('dpop-nonce')
    if (!nonce) throw new Error(`userinfo: ${answer.status} ${answer.headers.get('www-authenticate')}`)
  }
  throw new Error('userinfo: refused with the nonce it asked for')
}

async function logged(work) {
  try {
    const user = await work()
    if (!user) return
    show('userinfo', await userinfo(user))
    show('profile', { ...user.profile, token_type: user.token_type, scope: user.scope })
  } catch (error) {
    show('error', { name: error.name, message: error.message, error: error.error ?? null })
  }
}

document.getElementById('login').onclick = () => logged(() => manager.signinRedirect())
document.getElementById('renew').onclick = () => logged(() => manager.signinSilent())

if (location.pathname === '/callback') {
  await logged(() => manager.signinRedirectCallback())
  history.replaceState(null, '', '/')
} else {
  await logged(() => manager.getUser())
}
document.body.dataset.ready = 'true'
