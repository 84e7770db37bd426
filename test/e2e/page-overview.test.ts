import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FarmPage } from '../support/farm-page.ts';
import { startHookReceiver, type HookReceiver } from '../support/hook-receiver.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';
import { writeFile } from 'node:fs/promises';

const browser = need('chromium');
/** A folder for pictures of the page, to be looked at; without it none are taken. */
const PICTURES = process.env['FARMHAND_TEST_PICTURES'];

describe.skipIf(browser.skip)(`the farm as a whole, on the page${browser.note}`, () => {
  let farm: WholeFarm;
  let view: FarmPage;
  let receiver: HookReceiver;
  beforeAll(async () => {
    receiver = await startHookReceiver();
    farm = await WholeFarm.start({
      up: ['--workers', '1', '--slots', '2'],
      environment: { FARMHAND_WEBHOOK_ALLOW: '127.0.0.1' },
    });
    view = await FarmPage.open(farm);
    await view.signIn();
  });
  afterAll(async () => {
    await view.close();
    await farm.stop();
    await receiver.close();
  });

  const heading = (name: string) => view.page.getByRole('heading', { name, exact: true });
  const button = (name: string) => view.page.getByRole('button', { name, exact: true });
  const notice = (text: RegExp) => view.page.getByText(text).first();

  async function submit(id: string, change: Record<string, unknown>): Promise<void> {
    const file = join(farm.folder, `${id}.json`);
    await writeFile(
      file,
      JSON.stringify({ version: 1, id, name: id, engine: 'null', frames: '1-2', ...change }),
    );
    await farm.json('submit', file);
  }

  /** axe in both themes, nothing that sticks out on a phone, and a picture where somebody wants to look. */
  async function look(name: string): Promise<void> {
    await view.expectAccessible();
    const picture = (path: string) =>
      PICTURES === undefined
        ? undefined
        : view.page.screenshot({ path: join(PICTURES, path), animations: 'disabled' });
    if (PICTURES !== undefined) mkdirSync(PICTURES, { recursive: true });
    await picture(`${name}-light.png`);
    await view.page.setViewportSize({ width: 390, height: 844 });
    await picture(`${name}-phone.png`);
    expect(await view.page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await view.page.setViewportSize({ width: 1440, height: 900 });
  }

  it('shows the farm live in figures, each of which leads to what it counts', async () => {
    await view.page.getByRole('link', { name: 'Overview' }).click();
    await heading('Overview').waitFor();
    const slots = view.page.getByRole('region', { name: 'Slots in use' });
    await view.expectText(slots, /0 %\s+0 of 2 slots/);
    await submit('long', { frames: '1-500', chunk: 1, settings: { frameMs: 600_000 }, project: 'film' });
    await view.expectText(slots, /100 %\s+2 of 2 slots/);
    const engines = view.page.getByRole('row', { name: /^null/ });
    await view.expectText(engines, /null\s+498\s+1\s+2/);
    const pictures = join(import.meta.dirname, '../../examples/jobs/wave-preview.json');
    expect((await farm.cli(['submit', pictures, '--json'])).code).toBe(0);
    await look('overview');
    await view.page
      .getByRole('region', { name: 'Open jobs' })
      .getByRole('link', { name: /Running/ })
      .click();
    await heading('Jobs').waitFor();
    expect(new URL(view.page.url()).searchParams.get('query')).toBe('state:running');
  });

  it('says what runs next and why, and lets the order be changed and changed back', async () => {
    await submit('later', { priority: 20 });
    await view.page.getByRole('link', { name: 'Queue' }).click();
    await heading('Queue').waitFor();
    const rows = view.page.getByRole('table').getByRole('row');
    await view.expectText(rows, /long[\s\S]*later[\s\S]*It is the only one that waits with priority 20/);
    await look('queue');
    await rows.filter({ hasText: 'later' }).getByRole('button', { name: 'Priority 20, change it' }).click();
    await view.page.getByLabel('Priority: 0 (last) to 100 (first)').fill('80');
    await button('Set').click();
    await view.expectText(rows.nth(1), /later/);
    await button('Undo').click();
    await view.expectText(rows.last(), /later/);
  });

  it('shows lanes, and sets a limit with the way back', async () => {
    await view.page.getByRole('link', { name: 'Workers and lanes' }).click();
    await view.expectText(
      view.page.getByRole('region', { name: 'Workers and lanes' }),
      /1 worker[\s\S]*1 slot/,
    );
    await look('lanes');
    await view.page.getByRole('link', { name: 'Limits and shares' }).click();
    const limits = view.page.getByRole('region', { name: 'Limits', exact: true });
    await limits.getByLabel('Name').fill('null');
    await limits.getByLabel('frames at once').fill('2');
    await limits.getByRole('button', { name: 'Set' }).click();
    await view.expectText(limits, /engine null\s+\d+ of 2/);
    await look('rules');
    await limits.getByRole('button', { name: 'engine null: 2, change it' }).click();
    await view.page.getByLabel('engine null: frames at once').fill('1');
    await view.page.getByRole('dialog').getByRole('button', { name: 'Set' }).click();
    await view.expectText(limits, /of 1/);
    await button('Set back').last().click();
    await view.expectText(limits, /of 2/);
    await limits.getByRole('button', { name: 'No limit for engine null' }).click();
    await view.expectText(limits, /None is set/);
  });

  it('makes a webhook, tests it, pauses it and takes it away', async () => {
    await view.page.getByRole('link', { name: 'Farm', exact: true }).click();
    await heading('Webhooks').waitFor();
    await button('New webhook').click();
    await view.page.getByLabel('Address, http or https').fill('http://10.0.0.1/');
    await button('Create it').click();
    await notice(/no public address/).waitFor();
    await view.page.getByLabel('Address, http or https').fill(`${receiver.url}/hook`);
    await button('Create it').click();
    await notice(/^whsec_/).waitFor();
    await button('Send a test').click();
    await button('Deliveries').click();
    await view.expectText(
      view.page.getByRole('region', { name: /^Deliveries of/ }),
      /Delivered\s+ping\s+Answered 204/,
    );
    expect(receiver.heard.map(({ event }) => event.type)).toEqual(['ping']);
    await look('webhooks');
    await button('Pause').click();
    await notice(/Nothing is sent to/).waitFor();
    expect(await button('Send a test').isDisabled()).toBe(true);
    await button('Let it go on').click();
    await button('Remove').click();
    await button('Remove it').click();
    await heading('No webhooks').waitFor();
  });

  it('shows what is stored and takes a job out of the bin', async () => {
    await farm.json('cancel', 'long');
    await farm.json('delete', 'long');
    await view.page.getByRole('link', { name: 'Storage and the bin' }).click();
    await heading('The bin').waitFor();
    await button('Restore long').waitFor();
    await look('storage');
    await button('Restore long').click();
    await until(async () => (await farm.job('long')).bin === undefined, 'the job is restored');
    view.expectQuiet(/^403 .*\/api\/webhooks$/);
  });
});
