/** Where bytes are to be put: a link that is bound to their SHA-256. */
export interface Target {
  url: string;
  headers: Record<string, string>;
}

export type PutOutcome = 'stored' | 'expired' | 'other-bytes' | 'no-such-upload';

/** The farm or its storage did not answer, or not as it should: to be tried again. */
export class UnreachableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreachableError';
  }
}

/**
 * Sends bytes to the farm's storage. `fetch` says nothing of how much has gone; XMLHttpRequest does.
 * @param onSent told how many bytes of these have gone, again and again
 * @throws UnreachableError; the signal's reason
 */
export function putBytes(
  { url, headers }: Target,
  bytes: Blob,
  { signal, onSent }: { signal: AbortSignal; onSent: (bytes: number) => void },
): Promise<PutOutcome> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ loaded }) => onSent(loaded));
    request.addEventListener('load', () => {
      const outcome = outcomeOf(request);
      if (outcome) resolve(outcome);
      else reject(new UnreachableError(`The farm’s storage answered ${request.status}.`));
    });
    request.addEventListener('error', () =>
      reject(new UnreachableError('The farm’s storage does not answer.')),
    );
    request.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')));
    request.addEventListener('loadend', () => signal.removeEventListener('abort', stop));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) reject(new DOMException('stopped', 'AbortError'));
    else request.send(bytes);
  });
}

function outcomeOf({ status, responseText }: XMLHttpRequest): PutOutcome | undefined {
  if (status >= 200 && status < 300) return 'stored';
  if (status === 403) return 'expired';
  if (status === 400 && responseText.includes('BadDigest')) return 'other-bytes';
  if (status === 404 && responseText.includes('NoSuchUpload')) return 'no-such-upload';
  return undefined;
}
