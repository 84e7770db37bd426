import { messageOf } from '../../../shared/domain/errors.ts';
import { EngineFailure } from '../engine.ts';
import type { CdpConnection, CdpEvent } from './cdp-connection.ts';
import { FontCheck } from './font-check.ts';
import { PageReports } from './page-reports.ts';
import { pageScript } from './page-script.ts';
import { PageRequests } from './page-requests.ts';
import type { SceneFiles } from './scene-files.ts';

export interface HtmlPageOptions {
  files: SceneFiles;
  /** The page's address among the files. */
  address: string;
  data: Record<string, unknown>;
  fps: number;
  firstFrame: number;
  /** In CSS pixels. */
  viewport: { width: number; height: number };
  deviceScaleFactor: number;
  /** Red, green, blue 0–255 and alpha 0–1, behind the page. */
  background: { r: number; g: number; b: number; a: number };
  /** A CSS selector that must be there before the first frame. */
  waitFor: string | undefined;
  waitSeconds: number;
}

const LOOK_MS = 50;
const LOAD_ERROR = 'The page could not be loaded';

/** Where a page lives in Chromium. */
interface PagePlace {
  contextId: string;
  targetId: string;
  sessionId: string;
}

/**
 * One page in Chromium, whose time is moved from frame to frame, and only forward. It has a browser context of its own:
 * storage, caches, workers and processes of an earlier page are not there.
 */
export class HtmlPage {
  readonly #connection: CdpConnection;
  readonly #options: HtmlPageOptions;
  readonly #place: PagePlace;
  readonly #stopListening: () => void;
  readonly #requests: PageRequests;
  readonly #fonts: FontCheck;
  readonly #reports = new PageReports();
  readonly #crash = Promise.withResolvers<never>();
  readonly #loaded = Promise.withResolvers<undefined>();
  /** null: nobody knows where the page stands. */
  #at: number | null = null;
  /** The page has a `window.seek`, which draws any frame whatever came before it. */
  #seeks = false;
  #loadWarnings: string[] = [];

  /** @throws EngineFailure when the page does not load as it should */
  static async open(connection: CdpConnection, options: HtmlPageOptions): Promise<HtmlPage> {
    await connection.send('Target.setDiscoverTargets', { discover: true });
    const { browserContextId } = await connection.send('Target.createBrowserContext');
    const contextId = String(browserContextId);
    const inContext = { browserContextId: contextId };
    await connection.send('Browser.setDownloadBehavior', { behavior: 'deny', ...inContext });
    const { targetId } = await connection.send('Target.createTarget', { url: 'about:blank', ...inContext });
    const { sessionId } = await connection.send('Target.attachToTarget', { targetId, flatten: true });
    const place = { contextId, targetId: String(targetId), sessionId: String(sessionId) };
    const page = new HtmlPage(connection, options, place);
    try {
      await page.#prepare();
      await page.#load();
      return page;
    } catch (error) {
      await page.close();
      throw error;
    }
  }

  private constructor(connection: CdpConnection, options: HtmlPageOptions, place: PagePlace) {
    this.#connection = connection;
    this.#options = options;
    this.#place = place;
    const call = async (method: string, params?: Record<string, unknown>) => this.#call(method, params);
    this.#requests = new PageRequests(options.files, call);
    this.#fonts = new FontCheck(call);
    // Nobody may be waiting when it happens.
    this.#crash.promise.catch(() => undefined);
    this.#stopListening = connection.onEvent((event) => {
      if (event.method === 'Target.targetCrashed' && event.params['targetId'] === place.targetId)
        this.#crash.reject(crashed(event));
      if (event.sessionId === place.sessionId) this.#hear(event);
    });
  }

  /** Ends it with everything that it left behind. */
  async close(): Promise<void> {
    this.#stopListening();
    // A Chromium that has ended has no page either.
    await this.#connection
      .send('Target.disposeBrowserContext', { browserContextId: this.#place.contextId })
      .catch(() => undefined);
  }

  /** Whether it can be moved to the frame; else a new page must be. */
  reaches(frame: number): boolean {
    return this.#at !== null && (frame >= this.#at || this.#seeks);
  }

  /**
   * Moves the page to a frame that it reaches and takes its picture.
   * @returns a PNG of the viewport, in device pixels
   */
  async render(frame: number): Promise<{ png: Buffer; warnings: string[] }> {
    // Until it has succeeded, nobody knows where the page stands.
    this.#at = null;
    await this.#evaluate(`__farmhandPage.goTo(${frame})`);
    await this.#settle();
    this.#throwWhatFailed(`frame ${frame}`);
    const { data } = await this.#call('Page.captureScreenshot', {
      format: 'png',
      optimizeForSpeed: true,
      captureBeyondViewport: false,
    });
    const fonts = await this.#fonts.warnings();
    const warnings = [...this.#loadWarnings, ...(await this.#takeWarnings()), ...fonts];
    this.#at = frame;
    return { png: Buffer.from(String(data), 'base64'), warnings: [...new Set(warnings)] };
  }

  async #prepare(): Promise<void> {
    const { viewport, deviceScaleFactor, background, data, fps, firstFrame } = this.#options;
    const { width, height } = viewport;
    await Promise.all([
      this.#call('Page.enable'),
      this.#call('Runtime.enable'),
      this.#call('Log.enable'),
      this.#call('Network.enable'),
      this.#call('Network.setBypassServiceWorker', { bypass: true }),
      this.#call('Fetch.enable', { patterns: [{ urlPattern: '*' }] }),
      this.#call('Emulation.setTimezoneOverride', { timezoneId: 'UTC' }),
      this.#call('Emulation.setLocaleOverride', { locale: 'en-US' }),
      this.#call('Emulation.setHardwareConcurrencyOverride', { hardwareConcurrency: 4 }),
      this.#call('Emulation.setDefaultBackgroundColorOverride', { color: background }),
      this.#call('Emulation.setFocusEmulationEnabled', { enabled: true }),
      this.#call('Emulation.setDeviceMetricsOverride', {
        ...{ width, height, deviceScaleFactor, mobile: false },
        ...{ screenWidth: width, screenHeight: height },
      }),
      this.#call('Page.addScriptToEvaluateOnNewDocument', { source: pageScript({ data, fps, firstFrame }) }),
    ]);
  }

  async #load(): Promise<void> {
    const { errorText } = await this.#call('Page.navigate', { url: this.#options.address });
    if (typeof errorText === 'string') throw new EngineFailure('scene', `${LOAD_ERROR}: ${errorText}.`);
    await Promise.race([this.#loaded.promise, this.#crash.promise]);
    await this.#evaluate('__farmhandPage.ready()');
    await this.#waitFor();
    await this.#settle();
    this.#throwWhatFailed('loading');
    this.#seeks = (await this.#evaluate(`typeof window.seek === 'function'`)) === true;
    this.#loadWarnings = await this.#takeWarnings();
    this.#at = -Infinity;
  }

  async #waitFor(): Promise<void> {
    const { waitFor, waitSeconds } = this.#options;
    if (waitFor === undefined) return;
    const deadline = performance.now() + waitSeconds * 1000;
    const look = `document.querySelector(${JSON.stringify(waitFor)}) !== null`;
    while ((await this.#evaluate(look)) !== true) {
      this.#throwWhatFailed('loading');
      if (performance.now() > deadline)
        throw new EngineFailure(
          'scene',
          `settings.waitFor: nothing in the page matches ${JSON.stringify(waitFor)} after ${waitSeconds} s.`,
        );
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Waits for fonts and pictures, and until nothing that the page asked for is under way. */
  async #settle(): Promise<void> {
    do {
      await Promise.race([this.#requests.idle(), this.#crash.promise]);
      await this.#evaluate('__farmhandPage.settle()');
    } while (this.#requests.isBusy);
  }

  async #takeWarnings(): Promise<string[]> {
    const own = await this.#evaluate('__farmhandPage.takeWarnings()');
    return [...this.#requests.takeWarnings(), ...this.#reports.takeWarnings(), ...(own as string[])];
  }

  #throwWhatFailed(when: string): void {
    const missing = this.#requests.takeMissing();
    if (missing.length > 0)
      throw new EngineFailure(
        'missing-asset',
        `The page needs files that are not there: ${missing.join(', ')}.`,
      );
    const [exception] = this.#reports.takeExceptions();
    if (exception !== undefined)
      throw new EngineFailure('scene', `A script of the page failed (${when}): ${exception}`, {
        sessionUsable: true,
      });
  }

  async #evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined)
      throw new EngineFailure(
        'scene',
        `A script of the page failed: ${this.#reports.describe(exceptionDetails)}`,
        {
          sessionUsable: true,
        },
      );
    return (result as { value?: unknown }).value;
  }

  async #call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const answer = this.#connection.send(method, params, this.#place.sessionId);
    answer.catch(() => undefined); // the crash may come first
    return Promise.race([answer, this.#crash.promise]);
  }

  #hear(event: CdpEvent): void {
    this.#requests.hear(event);
    this.#reports.hear(event);
    if (event.method === 'Page.loadEventFired') this.#loaded.resolve(undefined);
    if (event.method !== 'Page.javascriptDialogOpening') return;
    this.#reports.warn(`The page opened a dialog: ${String(event.params['message']).slice(0, 200)}`);
    this.#call('Page.handleJavaScriptDialog', { accept: true }).catch((error: unknown) =>
      this.#reports.warn(messageOf(error)),
    );
  }
}

function crashed({ params }: CdpEvent): EngineFailure {
  const status = String(params['status']);
  const memory = status === 'oom';
  return new EngineFailure(
    memory ? 'out-of-memory' : 'engine-crash',
    memory
      ? 'The page needed more memory than Chromium gives one page.'
      : `Chromium's page crashed (${status}).`,
  );
}
