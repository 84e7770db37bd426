import type { CdpEvent } from './cdp-connection.ts';
import type { SceneAnswer, SceneFiles } from './scene-files.ts';
import { SCENE_ORIGIN } from './scene-origin.ts';
import { movesBySvg, stillPicture } from './still-picture.ts';

/** What the page is made of: without one of these its picture is not what its author saw. */
const ESSENTIAL = new Set(['Document', 'Script', 'Stylesheet', 'Image']);
const MAX_NAMED = 20;

type FileAnswer = Extract<SceneAnswer, { kind: 'file' }>;
type Call = (method: string, params: Record<string, unknown>) => Promise<unknown>;

/** Answers the page's requests from its scene's files, and remembers what it did not get. */
export class PageRequests {
  readonly #files: SceneFiles;
  readonly #call: Call;
  readonly #open = new Set<string>();
  readonly #missing = new Set<string>();
  readonly #warnings = new Set<string>();
  #idle: (() => void)[] = [];

  constructor(files: SceneFiles, call: Call) {
    this.#files = files;
    this.#call = call;
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** Resolves once no request is under way. */
  async idle(): Promise<void> {
    if (this.isBusy) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Files that the page cannot do without, and forgets them. */
  takeMissing(): string[] {
    const missing = [...this.#missing].slice(0, MAX_NAMED);
    this.#missing.clear();
    return missing;
  }

  takeWarnings(): string[] {
    const warnings = [...this.#warnings].slice(0, MAX_NAMED);
    this.#warnings.clear();
    return warnings;
  }

  hear({ method, params }: CdpEvent): void {
    const id = String(params['requestId']);
    switch (method) {
      case 'Network.requestWillBeSent': {
        const { url } = params['request'] as { url: string };
        // Pictures inside the page (data:, blob:) are no requests that anybody answers.
        if (/^https?:/.test(url)) this.#open.add(id);
        break;
      }
      case 'Network.loadingFinished':
      case 'Network.loadingFailed':
        this.#open.delete(id);
        if (!this.isBusy) for (const resolve of this.#idle.splice(0)) resolve();
        break;
      case 'Fetch.requestPaused':
        this.#answer(id, params).catch((error: unknown) => {
          // The page has moved on, or Chromium has ended, which is seen elsewhere.
          this.#warnings.add(`A request was not answered: ${String(error)}`);
        });
    }
  }

  async #answer(requestId: string, params: Record<string, unknown>): Promise<void> {
    const { url } = params['request'] as { url: string };
    const answer = await this.#files.answer(url);
    if (answer.kind === 'file') {
      const isPicture = params['resourceType'] === 'Image';
      const { body, contentType } = isPicture ? await this.#still(url, answer) : answer;
      await this.#call('Fetch.fulfillRequest', {
        requestId,
        responseCode: 200,
        responseHeaders: headers(contentType),
        body: body.toString('base64'),
      });
      return;
    }
    if (answer.kind === 'blocked') {
      this.#warnings.add(`Blocked: ${answer.what}. A page gets only the files of its scene.`);
      await this.#call('Fetch.failRequest', { requestId, errorReason: 'BlockedByClient' });
      return;
    }
    this.#note(answer.path, String(params['resourceType']));
    await this.#call('Fetch.fulfillRequest', {
      requestId,
      responseCode: 404,
      responseHeaders: headers('text/plain'),
      body: '',
    });
  }

  async #still(
    url: string,
    { body, contentType }: FileAnswer,
  ): Promise<Pick<FileAnswer, 'body' | 'contentType'>> {
    const name = new URL(url).pathname.slice(1);
    if (contentType.startsWith('image/svg') && movesBySvg(body.toString('utf8')))
      this.#warnings.add(`${name} moves by a clock of its own; put the SVG into the page.`);
    const still = await stillPicture(body);
    if (still) this.#warnings.add(`${name} moves by itself; it is shown as its first picture.`);
    return still ? { body: still, contentType: 'image/png' } : { body, contentType };
  }

  #note(path: string, type: string): void {
    if (path === 'favicon.ico') return; // asked for by the browser, not by the page
    if (ESSENTIAL.has(type)) this.#missing.add(path);
    else this.#warnings.add(`The file ${path} is not in the scene's folder.`);
  }
}

function headers(contentType: string): { name: string; value: string }[] {
  return [
    { name: 'content-type', value: contentType },
    { name: 'cache-control', value: 'no-store' },
    { name: 'access-control-allow-origin', value: SCENE_ORIGIN },
  ];
}
