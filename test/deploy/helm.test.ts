import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { DEFAULT_PORT } from '../../src/config.ts'
import { BODY_TIMEOUT_MS } from '../../src/http/raw-refusal.ts'
import { DEPLOY, findUnknownVariables, readDeployed, ROOT } from './known-names.ts'
import { findActions, findTemplateMistakes, findValues, toShape } from './template.ts'

const CHART = 'helm/coffre'
const templates = globSync(`${CHART}/templates/*`, { cwd: DEPLOY }).toSorted()
const helpers = readDeployed(`${CHART}/templates/_helpers.tpl`)

type Values = { readonly [name: string]: unknown }
const VALUES = z.record(z.string(), z.unknown())
const values: Values = VALUES.parse(parse(readDeployed(`${CHART}/values.yaml`)))

function has(path: string, from: Values = values): boolean {
  const [name = '', ...rest] = path.split('.')
  if (!Object.hasOwn(from, name)) return false
  return rest.length === 0 || has(rest.join('.'), VALUES.parse(from[name]))
}

/** Every value that can be set; an empty or open mapping is one. */
function leavesOf(from: Values, prefix = ''): string[] {
  return Object.entries(from).flatMap(([name, value]) => {
    const inner = VALUES.safeParse(value)
    const isMapping = inner.success && Object.keys(inner.data).length > 0
    return isMapping ? leavesOf(inner.data, `${prefix}${name}.`) : [`${prefix}${name}`]
  })
}

const PROBE = z.object({
  httpGet: z.object({ path: z.string(), port: z.literal('api'), scheme: z.string() }),
})
const CONTAINER = z.object({
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  ports: z.tuple([z.object({ name: z.literal('api'), containerPort: z.literal(DEFAULT_PORT) })]),
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  startupProbe: PROBE,
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
})
const POD = z.object({
  spec: z.object({
    automountServiceAccountToken: z.literal(false),
    terminationGracePeriodSeconds: z.number().min(BODY_TIMEOUT_MS / 1_000 + 1),
    securityContext: z.object({
      runAsNonRoot: z.literal(true),
      runAsUser: z.literal(DEFAULT_PORT),
      fsGroup: z.literal(DEFAULT_PORT),
    }),
    containers: z.tuple([CONTAINER]),
    volumes: z.array(z.object({ name: z.string() })),
  }),
})

/** The pod as the helper draws it, with the branches of both stores. */
function readPod() {
  const start = helpers.indexOf('{{- define "coffre.pod" -}}')
  assert.ok(start >= 0)
  return POD.parse(parse(toShape(helpers.slice(helpers.indexOf('\n', start) + 1))))
}

describe('deploy/helm/coffre', () => {
  test('its templates nest as they should', () => {
    assert.ok(templates.length >= 8)
    for (const path of templates) assert.deepEqual(findTemplateMistakes(readDeployed(path)), [], path)
  })

  test('and a planted mistake is found', () => {
    for (const broken of ['{{ if .x }}', '{{ end }}', '{{ .x', '{{ f (.x }}', '{{ "x }}']) {
      assert.notDeepEqual(findTemplateMistakes(broken), [], broken)
    }
    assert.deepEqual(findTemplateMistakes('{{- if (eq .a "b") }}x{{ else }}y{{- end }}'), [])
  })

  test('every value that a template asks for is in values.yaml, and the other way round', () => {
    const asked = templates.flatMap((path) => findValues(readDeployed(path)))
    assert.ok(asked.length > 30)
    assert.deepEqual(
      asked.filter((path) => !has(path)),
      [],
    )
    const unused = leavesOf(values).filter(
      (leaf) => !asked.some((path) => leaf === path || leaf.startsWith(`${path}.`)),
    )
    assert.deepEqual(unused, [])
  })

  test('its schema knows the same values', () => {
    const schema = JSON.parse(readDeployed(`${CHART}/values.schema.json`)) as { properties: object }
    const names = Object.keys(schema.properties).filter((name) => name !== 'global')
    assert.deepEqual(names.toSorted(), Object.keys(values).toSorted())
  })

  test('every template that is included is defined', () => {
    const defined = findActions(helpers).flatMap((action) => /^define "(.+)"$/.exec(action)?.[1] ?? [])
    const included = templates
      .flatMap((path) => findActions(readDeployed(path)))
      .flatMap((action) => [...action.matchAll(/\binclude "([^"]+)"/g)].map((match) => match[1] ?? ''))
    assert.ok(included.length > 10)
    assert.deepEqual([...new Set(included)].toSorted(), defined.toSorted())
  })

  test('every manifest is YAML of one known kind', () => {
    const kinds = templates
      .filter((path) => path.endsWith('.yaml'))
      .flatMap((path) => {
        const documents = parseAllDocuments(toShape(readDeployed(path)))
        for (const document of documents) assert.deepEqual(document.errors, [], path)
        return documents.map((document) => String(document.get('kind')))
      })
    assert.deepEqual(
      kinds.toSorted(),
      ['Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service']
        .concat(['ServiceAccount', 'ServiceMonitor', 'StatefulSet'])
        .toSorted(),
    )
  })

  test('the pod is confined, and asks what Coffre answers', () => {
    const [container] = readPod().spec.containers
    assert.equal(container.livenessProbe.httpGet.path, '/livez')
    assert.equal(container.startupProbe.httpGet.path, '/livez')
    assert.equal(container.readinessProbe.httpGet.path, '/readyz')
    const routes = readFileSync(join(ROOT, 'src/http/route/health.ts'), 'utf8')
    for (const path of ['/livez', '/readyz', '/metrics']) assert.ok(routes.includes(`'${path}'`), path)
    assert.ok(readDeployed(`${CHART}/templates/servicemonitor.yaml`).includes('path: /metrics'))
  })

  test('its variables exist, and the files that they name are mounted', () => {
    for (const path of templates) assert.deepEqual(findUnknownVariables(readDeployed(path)), [], path)
    const { containers, volumes } = readPod().spec
    const [{ env, volumeMounts }] = containers
    const declared = [...volumes.map(({ name }) => name), 'data']
    for (const { name } of volumeMounts) assert.ok(declared.includes(name), `volume ${name}`)
    const files = env.filter(({ value }) => value.startsWith('/'))
    assert.ok(files.length >= 3)
    for (const { name, value } of files) {
      assert.ok(
        volumeMounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`)),
        `${name}=${value} is below a mount`,
      )
    }
    assert.equal(env.find(({ name }) => name === 'COFFRE_PORT')?.value, String(DEFAULT_PORT))
  })

  test('names the version of package.json', () => {
    const chart = VALUES.parse(parse(readDeployed(`${CHART}/Chart.yaml`)))
    const manifest = VALUES.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')))
    assert.equal(chart['appVersion'], manifest['version'])
    assert.equal(chart['apiVersion'], 'v2')
  })
})
