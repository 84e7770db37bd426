import { raw, type Request, type RequestHandler } from 'express';
import type { z } from 'zod';
import { decodeJson, parseWith } from '../../shared/contracts/decode.ts';

/** Takes any body as bytes; whoever reads it checks it. */
export function rawBody(maxBytes: number): RequestHandler {
  return raw({ type: () => true, limit: maxBytes });
}

/** The bytes that {@link rawBody} took; none for an empty body. */
export function bodyBytes(request: Request): Uint8Array {
  return Buffer.isBuffer(request.body) ? request.body : new Uint8Array();
}

/**
 * The body as checked JSON; an empty one counts as `{}`.
 * @throws FarmError `invalid` with each issue.
 */
export function readBody<T>(request: Request, schema: z.ZodType<T>, maxBytes: number): T {
  const what = "The request's body";
  const bytes = bodyBytes(request);
  const value = bytes.byteLength === 0 ? {} : decodeJson(bytes, { what, maxBytes });
  return parseWith(schema, value, what);
}

/** The query's parameters, checked. @throws FarmError `invalid` */
export function readQuery<T>(request: Request, schema: z.ZodType<T>): T {
  return parseWith(schema, { ...request.query }, 'The request');
}
