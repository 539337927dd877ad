import type { FastifyInstance } from 'fastify'

/** The one style element that swagger-ui-bundle.js makes; a browser test fails when another version makes another. */
const OWN_STYLE = "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='"

/** Nothing comes from elsewhere and nothing goes elsewhere; the logo is a data URI that Swagger UI makes. */
const POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': `'self' ${OWN_STYLE}`,
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
} as const

/** Swagger UI over /openapi.json, from the package's own files: no CDN, no validator service. */
export async function addDocsPage(server: FastifyInstance): Promise<void> {
  const { default: swaggerUi } = await import('@fastify/swagger-ui')
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: POLICY,
    theme: { title: 'Coffre API' },
    // A token that is typed in is forgotten with the page.
    uiConfig: { persistAuthorization: false, displayRequestDuration: true },
  })
}
