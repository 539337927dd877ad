import type { ErrorRow } from './errors.ts'

/** Rows of the table of errors: what object stores say. */
export const OBJECT_ERRORS = {
  OBJECT_NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is no object of that name in the object store.',
    next: 'Check the name and the prefix of the object store.',
  },
  OBJECT_EXISTS: {
    fault: 'caller',
    sentence: 'There is an object of that name already, and it was left as it is.',
    next: 'Choose another name, or remove that object first.',
  },
  OBJECT_CHANGED: {
    fault: 'caller',
    sentence: 'The object was replaced or changed by somebody else meanwhile.',
    next: 'Begin again with the object as it is now; find out who else writes there.',
  },
  OBJECT_LOCKED: {
    fault: 'caller',
    sentence: 'The object is under retention or a legal hold, so it can be neither replaced nor removed.',
    next: 'Wait until the retention ends, or choose another name.',
  },
  BUCKET_NOT_FOUND: {
    fault: 'operator',
    sentence: 'There is no such bucket or folder.',
    next: 'Create it, or correct its name, the endpoint and the region.',
  },
  OBJECT_STORE_REFUSED: {
    fault: 'operator',
    sentence: 'The object store refused access.',
    next: 'Check the access key and its secret, the region, the clock of this machine, and what the policy or the permissions allow.',
  },
  OBJECT_STORE_UNAVAILABLE: {
    fault: 'system',
    sentence: 'The object store did not do its work.',
    next: 'Check its address, the network and its free space, then try again; nothing half-written counts.',
  },
} as const satisfies Record<string, ErrorRow>
