import type { CdpEvent } from './cdp-connection.ts';
import { SCENE_ORIGIN } from './scene-origin.ts';

const MAX_KEPT = 20;
const MAX_LENGTH = 500;

interface ExceptionDetails {
  text?: string;
  url?: string;
  lineNumber?: number;
  columnNumber?: number;
  exception?: { description?: string; value?: unknown };
}

/** What the page's scripts said: exceptions that nobody caught, and errors on the console. */
export class PageReports {
  readonly #exceptions: string[] = [];
  readonly #warnings = new Set<string>();

  takeExceptions(): string[] {
    return this.#exceptions.splice(0);
  }

  takeWarnings(): string[] {
    const warnings = [...this.#warnings];
    this.#warnings.clear();
    return warnings;
  }

  warn(text: string): void {
    if (this.#warnings.size < MAX_KEPT) this.#warnings.add(text.slice(0, MAX_LENGTH));
  }

  hear({ method, params }: CdpEvent): void {
    if (method === 'Runtime.exceptionThrown') this.#hearException(params['exceptionDetails']);
    if (method === 'Runtime.consoleAPICalled' && (params['type'] === 'error' || params['type'] === 'assert'))
      this.warn(`The page says: ${consoleText(params['args'])}`);
    if (method !== 'Log.entryAdded') return;
    const entry = params['entry'] as { level: string; source: string; text: string };
    // What could not be loaded is said by name already.
    if (entry.level === 'error' && entry.source !== 'network') this.warn(`Chromium says: ${entry.text}`);
  }

  /** `TypeError: x is not a function (index.html:12:5)` */
  describe(details: unknown): string {
    const { text, url, lineNumber, columnNumber, exception } = details as ExceptionDetails;
    const what = exception?.description?.split('\n')[0] ?? describeThrown(exception?.value, text);
    const file =
      url?.startsWith(`${SCENE_ORIGIN}/`) === true ? url.slice(SCENE_ORIGIN.length + 1) : undefined;
    const where = file === undefined ? '' : ` (${file}:${(lineNumber ?? 0) + 1}:${(columnNumber ?? 0) + 1})`;
    return `${what}${where}`.slice(0, MAX_LENGTH);
  }

  #hearException(details: unknown): void {
    const text = this.describe(details);
    // A promise that nobody caught is often a request that was blocked; the page goes on.
    const inPromise = (details as ExceptionDetails).text?.includes('(in promise)') === true;
    if (inPromise) this.warn(`A promise of the page failed: ${text}`);
    else if (this.#exceptions.length < MAX_KEPT) this.#exceptions.push(text);
  }
}

function describeThrown(value: unknown, text: string | undefined): string {
  return value === undefined ? (text ?? 'unknown error') : JSON.stringify(value);
}

function consoleText(args: unknown): string {
  const parts = args as { value?: unknown; description?: string }[];
  return parts
    .map(({ value, description }) =>
      typeof value === 'string' ? value : (description ?? describeThrown(value, undefined)),
    )
    .join(' ');
}
