import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { FarmError, messageOf } from '../../../shared/domain/errors.ts';
import { findOnPath } from '../../../shared/programs/find-on-path.ts';
import { PAGE_PROBE, type PageFigures } from './page-probe.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** A machine that others use too takes its time; the figures tell. */
const WAIT_MS = 120_000;
const POLL_MS = 25;
const VIEWPORT = { width: 1440, height: 900 };

interface Farm {
  url: string;
  token: string;
}

/** A real browser that is signed in at a farm, and counts what it asks of others. */
export class BenchBrowser {
  readonly #browser: Browser;
  readonly #context: BrowserContext;
  readonly #elsewhere: string[] = [];
  readonly #origins: Set<string>;

  private constructor(browser: Browser, context: BrowserContext, origins: Set<string>) {
    this.#browser = browser;
    this.#context = context;
    this.#origins = origins;
    context.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && !origins.has(origin.replace(/^ws/, 'http')))
        this.#elsewhere.push(request.url());
    });
  }

  /**
   * @param origins where the page may ask: the gateway, the object store.
   * @throws FarmError `invalid` where there is no browser, or no playwright-core because this is no checkout for development
   */
  static async open(farm: Farm, origins: readonly string[]): Promise<BenchBrowser> {
    const executablePath = NAMES.map((name) => findOnPath(name)).find((path) => path !== undefined);
    if (executablePath === undefined)
      throw new FarmError('invalid', `This bench needs a browser on the PATH: ${NAMES.join(' or ')}.`);
    const { chromium } = await developmentPackage(() => import('playwright-core'), 'playwright-core');
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    try {
      const context = await browser.newContext({ viewport: VIEWPORT });
      context.setDefaultTimeout(WAIT_MS);
      await context.addInitScript(PAGE_PROBE);
      const opened = new BenchBrowser(browser, context, new Set(origins.map((url) => new URL(url).origin)));
      const page = await context.newPage();
      await page.goto(`${farm.url}/#token=${farm.token}`);
      await page.getByTestId('status-pill').waitFor();
      await page.close();
      return opened;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  newPage(): Promise<Page> {
    return this.#context.newPage();
  }

  /** A further address of the farm. */
  allow(url: string): void {
    this.#origins.add(new URL(url).origin);
  }

  cdp(page: Page): Promise<CDPSession> {
    return this.#context.newCDPSession(page);
  }

  /** Addresses of other origins that were asked for. */
  get elsewhere(): readonly string[] {
    return this.#elsewhere;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** A package that only those have who develop the farm. */
export async function developmentPackage<T>(load: () => Promise<T>, name: string): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const why = messageOf(error);
    throw new FarmError(
      'invalid',
      `This bench needs ${name}, which "npm install" brings into a checkout: ${why}`,
    );
  }
}

/** Opens a page; its scripts are counted as they would travel compressed. */
export async function firstLoadGzipBytes(browser: BenchBrowser, url: string): Promise<number> {
  const page = await browser.newPage();
  const scripts: Promise<number>[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script')
      scripts.push(response.body().then((body) => gzipSync(body).length));
  });
  await page.goto(url, { waitUntil: 'networkidle' }).catch(() => undefined); // its socket never is idle
  const sizes = await Promise.all(scripts);
  await page.close();
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Milliseconds from the navigation until rows of the list were painted. */
export async function firstPaintMs(browser: BenchBrowser, url: string): Promise<number> {
  const page = await browser.newPage();
  await page.goto(url);
  const ms = await valueOf(page, 'farmhandProbe.firstPaintMs');
  await page.close();
  return ms;
}

export async function figuresOf(page: Page): Promise<PageFigures> {
  return page.evaluate<PageFigures>(
    `({ flushes: farmhandProbe.flushes.map(({ ms }) => ms), longTasks: farmhandProbe.longTasks.map(({ duration }) => duration) })`,
  );
}

/** Bytes in use after everything that can be collected has been. */
export async function heapBytes(cdp: CDPSession): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  return usedSize;
}

/** When something that is waited for had been painted, in milliseconds of the epoch. */
export function paintedAt(page: Page, name: string): Promise<number> {
  return valueOf(page, `farmhandProbe.painted[${JSON.stringify(name)}]`);
}

/**
 * Waits until an expression is something. Playwright's own way of waiting is `eval`, which the page's security policy
 * forbids.
 */
export async function valueOf<T = number>(page: Page, expression: string): Promise<T> {
  const end = performance.now() + WAIT_MS;
  for (;;) {
    const value = await page.evaluate<T | undefined | null | false>(expression);
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > end) throw new FarmError('internal', `The page never showed it: ${expression}`);
    await delay(POLL_MS);
  }
}
