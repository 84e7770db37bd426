import { problemSchema } from '../../shared/contracts/api.ts';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { RefusedError, UnreachableError } from './exit-codes.ts';

const REQUEST_TIMEOUT_MS = 60_000;

/**
 * One request and its whole reply, whatever its status.
 * @throws UnreachableError when nobody answers; the reason of `signal` when it was aborted.
 */
export async function exchange(
  url: URL,
  { signal, ...request }: RequestInit & { signal: AbortSignal },
): Promise<{ status: number; text: string }> {
  return await reached(url, signal, async () => {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    const response = await fetch(url, { ...request, signal: limited });
    return { status: response.status, text: await response.text() };
  });
}

/** @throws UnreachableError instead of what `fetch` says; the reason of `signal` when it was aborted. */
export async function reached<T>(url: URL, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    throw new UnreachableError(
      `No farm answers at ${url.origin} (${reasonOf(error)}). Start one with ./farmhand up, or name it with --farm.`,
      { cause: error },
    );
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // said by the caller: the reply does not fit its schema
  }
}

const CODES: readonly string[] = [
  'invalid',
  'not-found',
  'conflict',
  'refused',
  'unavailable',
  'too-large',
  'unauthorized',
  'internal',
] satisfies ErrorCode[];

function isErrorCode(code: string): code is ErrorCode {
  return CODES.includes(code);
}

export function refusal(status: number, body: unknown, url: string): RefusedError | UnreachableError {
  const problem = problemSchema.safeParse(body);
  if (!problem.success) return new UnreachableError(notAFarm(url, `status ${status}`));
  const { code, title, detail, errors = [] } = problem.data;
  if (code === 'unauthorized')
    return new RefusedError(
      code,
      `The farm at ${url} does not accept this token. FARMHAND_TOKEN, or the file of FARMHAND_TOKEN_FILE, has to hold the one that ./farmhand env prints on the farm's machine; unset them for the farm that runs here.`,
      { status },
    );
  const lines = errors.map(
    (issue) => `  ${issue.path || '(whole document)'}: got ${issue.value}, expected ${issue.expected}`,
  );
  const sentence = detail === '' ? title : detail;
  // The issues are in the sentence already when the farm made it from them: several read better one below the other.
  const [first] = errors;
  const at = first === undefined ? -1 : sentence.indexOf(`: got ${first.value}, expected ${first.expected}`);
  const listed = errors.every((issue) => sentence.includes(issue.expected));
  const head = at < 0 ? sentence : sentence.slice(0, at).replace(/\s*\S+$/, '');
  const message = listed && errors.length < 2 ? sentence : [head, ...lines].join('\n');
  return new RefusedError(isErrorCode(code) ? code : 'internal', message, { status, issues: errors });
}

export function notAFarm(url: string, what: string): string {
  return `${url} does not answer like a farm of this version (${what}). Is it the address that ./farmhand status prints?`;
}

/** The innermost reason of a failed fetch: `connect ECONNREFUSED 127.0.0.1:7780`, not `fetch failed`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${REQUEST_TIMEOUT_MS / 1_000} s`;
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message === '' ? code : error.message;
}
