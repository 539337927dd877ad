/** "Coffre" in ASCII and a number of ours; advisory locks are per database. */
const WRITER_LOCK = 0x436f666672650001n

/** The one lock of all writers of a database, held to the end of the transaction. */
export const TAKE_WRITER_LOCK = `select pg_advisory_xact_lock(${WRITER_LOCK})`
