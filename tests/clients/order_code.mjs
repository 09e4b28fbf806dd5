// An order code read and made by promptparse. The configuration: texts to read, and objects to make texts of
// (lists of [tag, value], a value being text or such a list). Says what it read, null for what it refuses, and made.

import { checksum, encode, parse, tag, withCrcTag } from 'promptparse'
import { answer } from './talk.mjs'

// The library takes one byte of each character: text is given to its checksum as its UTF-8 bytes.
const bytes = (text) => Buffer.from(text, 'utf8').toString('latin1')

function read(text) {
  if (text.slice(-4) !== checksum(bytes(text.slice(0, -4)))) return null
  const found = parse(text)?.getTags() ?? null
  return found && Object.fromEntries(found.map((one) => [one.id, one.subTags ? fields(one.subTags) : one.value]))
}

const fields = (tags) => Object.fromEntries(tags.map((one) => [one.id, one.value]))

function made(objects) {
  const payload = encode(objects.map(([id, value]) => tag(id, typeof value === 'string' ? value : inner(value))))
  return payload + '6304' + checksum(bytes(payload + '6304'))
}

const inner = (objects) => encode(objects.map(([id, value]) => tag(id, value)))

await answer(async ({ texts, objects }) => ({
  read: texts.map(read),
  made: objects.map(made),
  // Where all is ASCII, the library's own sealing must agree with the one above.
  sealed: withCrcTag('000201', '63') === made([['00', '01']]),
}))
