import { HTTP_CATALOGUE } from './http-catalogue.ts';
import { HTTP_SCHEMAS, type HttpSchemaName, type RouteEntry } from './http-schemas.ts';
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts';

const ref = (name: HttpSchemaName): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The HTTP API as OpenAPI 3.1 (spec.openapis.org/oas/v3.1.1). */
export function openApiDocument(version: string): JsonSchema {
  const paths: Record<string, JsonSchema> = {};
  for (const route of HTTP_CATALOGUE)
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return {
    openapi: '3.1.1',
    info: {
      title: 'Farmhand',
      version,
      description: 'The HTTP API of the gateway. Errors are RFC 9457 problem documents.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:7780', description: 'a farm on this machine' }],
    security: [{ token: [] }, { cookie: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'farmhand' },
      },
      schemas: Object.fromEntries(
        Object.entries(HTTP_SCHEMAS).map(([name, schema]) => [name, jsonSchemaOf(schema)]),
      ),
    },
  };
}

function operation(route: RouteEntry): JsonSchema {
  const parameters = [...pathParameters(route.path), ...queryParameters(route)];
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(route.open === true ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: ref(route.body) } } } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.replies).map(([status, body]) => [
          status,
          reply(Number(status), body, route.contentType),
        ]),
      ),
      default: {
        description: 'what went wrong',
        content: { 'application/problem+json': { schema: ref('Problem') } },
      },
    },
  };
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  200: 'done',
  201: 'made',
  202: 'taken; the outcome shows later',
  204: 'done',
  302: 'a link that holds for five minutes',
  503: 'not ready',
};

function reply(
  status: number,
  body: RouteEntry['replies'][number],
  contentType = 'application/json',
): JsonSchema {
  const description = DESCRIPTIONS[status] ?? '';
  if (body === null) return { description };
  const schema = typeof body === 'string' ? ref(body) : { anyOf: body.map(ref) };
  return { description, content: { [contentType]: { schema } } };
}

function pathParameters(path: string): JsonSchema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: name === 'frame' ? 'integer' : 'string' },
  }));
}

const WHOLE = new Set(['limit', 'offset', 'from', 'g', 'version']);

function queryParameters(route: RouteEntry): JsonSchema[] {
  return Object.entries(route.query ?? {}).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: WHOLE.has(name) ? 'integer' : 'string' },
  }));
}

/** `GET /api/jobs/{id}/frames` → `getJobsFrames`. */
function operationId({ method, path }: RouteEntry): string {
  const words = path.split(/[/.]/).filter((part) => part !== '' && part !== 'api' && !part.startsWith('{'));
  const one = path.endsWith('}') ? ['one'] : [];
  return method + [...words, ...one].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
