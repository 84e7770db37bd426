import { createHash } from 'node:crypto';

/**
 * SHA-256 of what the document asks for: keys sorted, without `id` and `idempotencyKey`, which only say which
 * submission it is. Two documents with equal hashes are the same job, or batch, sent twice.
 */
export function documentSha256(document: Readonly<Record<string, unknown>>): string {
  const content = { ...document, id: undefined, idempotencyKey: undefined };
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`);
  return `{${entries.join(',')}}`;
}
