import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asyncApiDocument } from './asyncapi.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { openApiDocument } from './openapi.ts';
import { schemaTables } from './schema-table.ts';
import { covers } from './subject-match.ts';

/** Every `$ref` in a document, and whether it leads somewhere. */
function brokenReferences(document: Record<string, unknown>): string[] {
  const broken: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === '$ref' && !leadsSomewhere(document, String(inner))) broken.push(String(inner));
      visit(inner);
    }
  };
  visit(document);
  return broken;
}

function leadsSomewhere(document: unknown, reference: string): boolean {
  const path = reference.replace(/^#\//, '').split('/');
  let at = document;
  for (const key of path) at = (at as Record<string, unknown> | undefined)?.[key];
  return at !== undefined;
}

describe('the API documents', () => {
  it('have no reference that leads nowhere', () => {
    expect(brokenReferences(openApiDocument('1'))).toEqual([]);
    expect(brokenReferences(asyncApiDocument('1'))).toEqual([]);
  });

  it('have an operation id for each request, each once', () => {
    const paths = openApiDocument('1')['paths'] as Record<string, Record<string, { operationId: string }>>;
    const ids = Object.values(paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('covers', () => {
  it.each([
    ['jobs', 'jobs', true],
    ['jobs', 'jobs.submit', false],
    ['status.>', 'status.job.*', true],
    ['status.*', 'status.job.x', false],
    ['status.job.*', 'status.job.>', false],
    ['>', 'a.b', true],
    ['a.>', 'a', false],
    ['*.b', 'a.b', true],
  ])('%s, %s: %s', (wide, narrow, expected) => {
    expect(covers(wide, narrow)).toBe(expected);
  });
});

describe('schemaTables', () => {
  it('shows fields, limits, nesting and what is required', () => {
    const schema = z.strictObject({
      id: z.string().max(5),
      list: z.array(z.strictObject({ n: z.int().min(1).max(3) })).optional(),
      map: z.record(z.string(), z.strictObject({ on: z.boolean() })),
      any: z.json(),
    });
    expect(schemaTables(jsonSchemaOf(schema)).split('\n').slice(2)).toEqual([
      '| `id` | string (up to 5) | yes |',
      '| `list` | list of object | no |',
      '| `list[].n` | whole number (1–3) | yes |',
      '| `map` | map of object | yes |',
      '| `map.*.on` | boolean | yes |',
      '| `any` | any JSON | yes |',
    ]);
  });

  it('shows each variant of a union under its type', () => {
    const schema = z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('a'), x: z.null() }),
      z.strictObject({ type: z.literal('b') }),
    ]);
    const text = schemaTables(jsonSchemaOf(schema));
    expect(text).toContain('`type: "a"`');
    expect(text).toContain('`type: "b"`');
  });
});
