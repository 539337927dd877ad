import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import { exportStatement, type Shell } from './file/quote.ts'
import { readName } from './generate.ts'
import { readKeyFiles, valueIn } from './key-files.ts'
import { type EnvironmentName, targetsFor } from './project.ts'
import { recordUse } from './watch/record-use.ts'
import { lookAtProject } from './with-project.ts'

export interface ExportRequest {
  readonly shell: Shell
  readonly environment?: EnvironmentName
  readonly name?: string
}

/** The statement that sets the key in that shell. SECRET_KEY_MISSING where no file has one. */
export function exportSecretKey(folder: string, request: ExportRequest): Promise<Secret> {
  return lookAtProject(folder, async ({ workspace, project }) => {
    const name = readName(request.name)
    const targets = targetsFor(project, request.environment ?? project.environment)
    const files = await readKeyFiles(workspace, targets)
    const value = files.map((file) => valueIn(file, name)).find((each) => each !== undefined)
    if (value === undefined) throw new CoffreError('SECRET_KEY_MISSING', { facts: { name } })
    const paths = targets.map(({ path }) => path)
    await recordUse(workspace, { use: 'export', files: paths, names: [name] })
    return new Secret(exportStatement(request.shell, name, value))
  })
}

/** Paths of the files that hold the key of this folder's environment. */
export function keyFilesInUse(folder: string): Promise<readonly string[]> {
  return lookAtProject(folder, async ({ project }) =>
    targetsFor(project, project.environment).map(({ path }) => path),
  )
}
