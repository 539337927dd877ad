/** Every bound on what is read from outside, with its reason. */

/** One value: a database field, a document, a token. Larger things go through chunked encryption. */
export const MAX_PLAINTEXT_BYTES = 1024 * 1024
/** A ciphertext of the largest plaintext in text form, with room for the header. */
export const MAX_CIPHERTEXT_CHARACTERS = Math.ceil((MAX_PLAINTEXT_BYTES * 4) / 3) + 1024
/** A message to sign or MAC; it is hashed once, in memory. */
export const MAX_MESSAGE_BYTES = MAX_PLAINTEXT_BYTES
/** Items in one batch: about a page of a database. */
export const MAX_BATCH_ITEMS = 1_000
/** A batch of 1,000 values of 4 KiB in base64 with its context fits three times. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024
/** A request that holds no value of a user: twice a signed note of the greatest length. */
export const MAX_SMALL_BODY_BYTES = 256 * 1024
/** Depth of JSON objects and arrays. Our deepest request has four. */
export const MAX_JSON_DEPTH = 32
/** Commas, objects and arrays in a body. A batch of 1,000 rewraps with two full contexts each has 70,001. */
export const MAX_JSON_VALUES = 80_000
/** Elements of one array, and members of one object: a few more than any request may have, so the schema tells where. */
export const MAX_JSON_ELEMENTS = 2_000
export const MAX_JSON_MEMBERS = 128
/** Backslashes of a body. Base64 of the greatest body with each slash escaped, as PHP does, has half of them. */
export const MAX_JSON_ESCAPES = 512 * 1024
/** Pairs in a caller's context, and bytes of each name and value. AWS KMS has 8 KiB for the whole. */
export const MAX_CONTEXT_PAIRS = 32
export const MAX_CONTEXT_BYTES = 1_024
/** Random bytes or a data key in one request. */
export const MAX_RANDOM_BYTES = 64 * 1024
/** Random bytes of one batch together: its answer is held in memory, and asking costs next to nothing. */
export const MAX_BATCH_RANDOM_BYTES = MAX_PLAINTEXT_BYTES
/** Streams at the same time: each holds a socket and about 1 MiB. A server can be told another number. */
export const MAX_STREAMS = 64
/** A context in a header, as JSON. AWS KMS has 8 KiB; the whole head of a request has 16. */
export const MAX_CONTEXT_HEADER_CHARACTERS = 8 * 1024
/** One item, as a line of JSON or as a body: a rewrap of the largest ciphertext with two full contexts fits. */
export const MAX_ITEM_BYTES = 2 * 1024 * 1024
/** Tags on a key. */
export const MAX_TAGS = 32
export const MAX_TEXT_CHARACTERS = 256
/** A bearer token; ours have 69 characters. */
export const MAX_TOKEN_CHARACTERS = 256
/** A client secret that was made elsewhere; ours have 72 characters, and a header of HTTP Basic has room for this. */
export const MIN_CLIENT_SECRET_CHARACTERS = 16
export const MAX_CLIENT_SECRET_CHARACTERS = 128
/** A provider's key; the longest that we know has some 200. */
export const MAX_API_KEY_CHARACTERS = 512
/** A signed note: sixteen post-quantum signatures of 5 kB, and some more. */
export const MAX_NOTE_CHARACTERS = 128 * 1024
/** A passphrase; longer ones are a mistake, not a better secret. */
export const MAX_PASSPHRASE_BYTES = 1_024
/** Rules of one policy, and patterns in one list of a rule: a batch looks through all of them once for each key. */
export const MAX_POLICY_RULES = 64
export const MAX_RULE_ENTRIES = 64
/** As long as a text on a key may be. */
export const MAX_PATTERN_CHARACTERS = MAX_TEXT_CHARACTERS
/** Policies of one tenant. */
export const MAX_POLICIES = 1_000
/** Policies on one token. */
export const MAX_TOKEN_POLICIES = 16
/** Address blocks on one token. */
export const MAX_TOKEN_CIDRS = 32
/** Requests that a counted token may authenticate; more is no bound worth a commit for each. */
export const MAX_TOKEN_USES = 1_000_000
/** A share as 32 words with their numbers and line breaks; as text it has 95 characters. */
export const MAX_SHARE_CHARACTERS = 1_024
