// Scripts talk with the test in lines of JSON: the first line heard is the configuration.

import { createInterface } from 'node:readline'

// A library's notice must not stand among the answers.
console.log = console.info = console.error

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export async function hear() {
  const { value, done } = await lines.next()
  if (done) throw new Error('nobody is talking any more')
  return JSON.parse(value)
}

export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

// What a refusal says lies on the error itself, in its cause, or in the cause's challenges.
function told(error) {
  const { cause } = error
  const challenge = Array.isArray(cause) ? (cause.find((one) => one.parameters?.error) ?? cause[0])?.parameters : {}
  return {
    name: error.name,
    message: [error.message, cause?.message].filter(Boolean).join(': '),
    code: error.code ?? null,
    status: error.status ?? null,
    error: error.error ?? challenge?.error ?? null,
    description: error.error_description ?? challenge?.error_description ?? null,
    body: cause && cause.constructor === Object && !('body' in cause) ? cause : null,
    cause: cause instanceof Error ? told(cause) : null,
  }
}

// Does `work` with the configuration, and says what it returns; a failure is said as well.
export async function answer(work) {
  try {
    say(await work(await hear()))
    process.exitCode = 0
  } catch (error) {
    console.error(error)
    say({ failed: told(error) })
    process.exitCode = 1
  }
  process.stdin.destroy()
}
