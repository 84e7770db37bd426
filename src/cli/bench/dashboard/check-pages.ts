import type { Page } from 'playwright-core';
import { developmentPackage, valueOf, type BenchBrowser } from './browser.ts';
import { BIG_JOB } from './seed-jobs.ts';

/** What axe has to complain about. */
export interface Complaint {
  page: string;
  theme: string;
  rule: string;
}

/** Looks at every page that the navigation leads to, and every tab of a job, in both themes. */
export async function checkPages(
  browser: BenchBrowser,
  url: string,
): Promise<{ pages: number; complaints: Complaint[] }> {
  const { AxeBuilder } = await developmentPackage(
    () => import('@axe-core/playwright'),
    '@axe-core/playwright',
  );
  const page = await browser.newPage();
  const paths = await pathsOf(page, url);
  const complaints: Complaint[] = [];
  for (const theme of ['dark', 'light']) {
    await page.evaluate(`localStorage.setItem('farmhand-theme', '${theme}')`);
    for (const path of paths) {
      await open(page, url + path);
      const { violations } = await new AxeBuilder({ page }).analyze();
      complaints.push(...violations.map(({ id }) => ({ page: path, theme, rule: id })));
    }
  }
  await page.close();
  return { pages: paths.length, complaints };
}

async function pathsOf(page: Page, url: string): Promise<string[]> {
  await open(page, `${url}/jobs`);
  const places = await page.evaluate<string[]>(
    `[...document.querySelectorAll('nav a[href^="/"]')].map((link) => link.getAttribute('href'))`,
  );
  await open(page, `${url}/jobs/${BIG_JOB}`);
  const tabs = await page.evaluate<string[]>(
    `[...document.querySelectorAll('[role=tab]')].map((tab) => tab.id.replace(/^tab-/, ''))`,
  );
  return [...new Set([...places, ...tabs.map((tab) => `/jobs/${BIG_JOB}?tab=${tab}`)])];
}

async function open(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByTestId('status-pill').waitFor();
  // Colours are judged when nothing fades in any more.
  await valueOf<boolean>(
    page,
    `document.querySelector('[aria-busy=true]') === null && document.getAnimations().every((a) =>
      a.playState !== 'running' || a.effect.getTiming().iterations === Infinity)`,
  );
}
