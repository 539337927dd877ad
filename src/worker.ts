import { runWorker } from './app-workers.ts'

// One of the processes of `coffre serve --workers N`; its parent starts it.
await runWorker()
