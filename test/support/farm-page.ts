import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { findOnPath } from '../../src/shared/programs/find-on-path.ts';
import type { WholeFarm } from './whole-farm.ts';
import { until } from './until.ts';

const BUILT_PAGE = join(import.meta.dirname, '../../ui/dist/index.html');

/** A real browser at a farm's page. Notes every request to elsewhere and every complaint of the browser. */
export class FarmPage {
  readonly page: Page;
  readonly url: string;
  readonly token: string;
  readonly #browser: Browser;
  readonly #context: BrowserContext;
  readonly #allowedOrigins: ReadonlySet<string>;
  readonly #elsewhere: string[] = [];
  readonly #complaints: string[] = [];

  private constructor(browser: Browser, context: BrowserContext, page: Page, farm: FarmAddress) {
    this.#browser = browser;
    this.#context = context;
    this.page = page;
    this.url = farm.url;
    this.token = farm.token;
    // Pictures and downloads come straight from the farm's own object store.
    this.#allowedOrigins = new Set([new URL(farm.url).origin, new URL(farm.s3).origin]);
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && !this.#allowedOrigins.has(origin.replace(/^ws/, 'http')))
        this.#elsewhere.push(request.url());
    });
    page.on('console', (message) => {
      // Answers that are no success are noted below, with their addresses.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.#complaints.push(message.text());
    });
    page.on('response', (response) => {
      if (response.status() >= 400) this.#complaints.push(`${response.status()} ${response.url()}`);
    });
    page.on('pageerror', (error) => this.#complaints.push(error.message));
  }

  static async open(farm: WholeFarm): Promise<FarmPage> {
    if (!existsSync(BUILT_PAGE)) throw new Error('The page is not built; run: npm run build:ui');
    const environment = await farm.json<Record<string, string>>('env');
    const executablePath = findOnPath('chromium');
    if (executablePath === undefined) throw new Error('There is no chromium on the PATH.');
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    return new FarmPage(browser, context, page, {
      url: environment['FARMHAND_URL'] ?? '',
      token: environment['FARMHAND_TOKEN'] ?? '',
      s3: environment['S3_ENDPOINT'] ?? '',
    });
  }

  /** As somebody who opens the address that `farmhand up` printed. */
  async signIn(): Promise<void> {
    await this.page.goto(`${this.url}/#token=${this.token}`);
    await this.page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
  }

  async goto(path: string): Promise<void> {
    await this.page.goto(this.url + path);
  }

  cookies(): ReturnType<BrowserContext['cookies']> {
    return this.#context.cookies();
  }

  pill(): Locator {
    return this.page.getByTestId('status-pill');
  }

  /** Waits until an element's text is as wanted; says what it was instead. */
  async expectText(locator: Locator, wanted: RegExp, timeoutMs = 30_000): Promise<void> {
    let found = '';
    await until(
      async () => wanted.test((found = (await locator.allInnerTexts()).join(' | '))),
      `the text becomes ${wanted} (it is "${found.slice(0, 200)}")`,
      timeoutMs,
    ).catch(() => expect(found).toMatch(wanted));
  }

  /** axe finds nothing to complain about, in the dark and in the light theme. */
  async expectAccessible(): Promise<void> {
    for (const theme of ['Dark theme', 'Light theme']) {
      const button = this.page.getByRole('button', { name: theme });
      if (await button.isVisible()) await button.click();
      await this.#settled();
      const { violations } = await new AxeBuilder({ page: this.page }).analyze();
      expect(
        violations.map(({ id, nodes }) => `${theme}: ${id}: ${nodes.map((node) => node.html).join(' ')}`),
      ).toEqual([]);
    }
  }

  /** Colours are judged when nothing fades any more. Spinners never end and are left out. */
  async #settled(): Promise<void> {
    const script =
      'document.getAnimations().every((a) => a.playState !== "running" || a.effect.getTiming().iterations === Infinity)';
    await until(() => this.page.evaluate<boolean>(script), 'nothing fades any more');
  }

  /** @param expected complaints that belong to what was done, such as a refused sign-in. */
  expectQuiet(expected = /^$/): void {
    expect(this.#elsewhere).toEqual([]);
    expect(this.#complaints.filter((complaint) => !expected.test(complaint))).toEqual([]);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

interface FarmAddress {
  url: string;
  token: string;
  s3: string;
}
