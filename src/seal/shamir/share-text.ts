import { Secret } from '../../model/secret.ts'
import { fromText, type TextForm, toDigits, toWords } from './secret-text.ts'
import { decodeShare, encodeShare, type Share, SHARE_BYTES } from './share.ts'

const FORM: TextForm = { prefix: 'COFFRE-SHARE-', bytes: SHARE_BYTES }

/** `COFFRE-SHARE-0G4YTK-…` */
export function formatShare(share: Share): Secret {
  return new Secret(toDigits(FORM, encodeShare(share)))
}

/** 32 words. */
export function formatShareWords(share: Share): Secret {
  return new Secret(toWords(encodeShare(share)))
}

/** Either form, as people type it. Throws SHARE_INVALID. */
export function parseShare(text: Secret): Share {
  return decodeShare(fromText(FORM, text.reveal()))
}

/** What a sheet says of a share. */
export interface ShareView {
  readonly setId: string
  readonly number: number
  readonly count: number
  readonly threshold: number
  readonly text: Secret
  readonly words: Secret
}

/** Throws SHARE_INVALID. */
export function viewShare(given: Secret): ShareView {
  const share = parseShare(given)
  try {
    const { setId, number, count, threshold } = share
    return { setId, number, count, threshold, text: formatShare(share), words: formatShareWords(share) }
  } finally {
    share.value.wipe()
  }
}
