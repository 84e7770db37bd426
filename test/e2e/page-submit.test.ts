import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { povrayEngine } from '../../src/worker/engines/povray/engine.ts';
import { engineHere } from '../support/engine-needs.ts';
import { FarmPage } from '../support/farm-page.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const browser = need('chromium');
const povray = await engineHere(povrayEngine, 'povray');
/** A folder for pictures of the page, to be looked at; without it none are taken. */
const PICTURES = process.env['FARMHAND_TEST_PICTURES'];

const SCENE = `#version 3.7;
#include "parts/ball.inc"
camera { location <0, 1, -5> look_at 0 }
light_source { <5, 5, -5> color rgb 1 }
object { Ball translate x * (clock * 2 - 1) }
`;
const INCLUDE = '#declare Ball = sphere { 0, 1 pigment { color rgb <0.9, 0.3, 0.1> } }\n';
/** Uploaded in parts from 64 MB on: four of them. */
const BIG_BYTES = 66_000_000;

const skip = browser.skip || povray.skip;
describe.skipIf(skip)(`submitting on the page${browser.note}${povray.note}`, () => {
  let farm: WholeFarm;
  let view: FarmPage;
  let folder: string;
  /** Paths of what the page sent to the object store. */
  const sent: string[] = [];
  beforeAll(async () => {
    farm = await WholeFarm.start({ up: ['--workers', '1', '--slots', '2'] });
    folder = join(farm.folder, 'orbit');
    await mkdir(join(folder, 'parts'), { recursive: true });
    await writeFile(join(folder, 'orbit.pov'), SCENE);
    await writeFile(join(folder, 'parts', 'ball.inc'), INCLUDE);
    view = await FarmPage.open(farm);
    view.page.on('request', (request) => {
      if (request.method() === 'PUT') sent.push(request.url());
    });
    await view.signIn();
  });
  afterAll(async () => {
    await view.close();
    await farm.stop();
  });

  const files = () => view.page.getByLabel('Files', { exact: true });
  const folders = () => view.page.getByLabel('Folder', { exact: true });
  const uploaded = () => view.page.getByTestId('upload-state');
  const facts = () => view.page.getByTestId('scene-facts');
  const summary = () => view.page.getByTestId('summary');
  const frames = () => view.page.getByLabel('Frames', { exact: true });
  const submit = () => view.page.getByRole('button', { name: 'Submit', exact: true });

  /** axe in both themes, and a picture where somebody wants to look. */
  async function look(name: string): Promise<void> {
    await view.expectAccessible();
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    for (const theme of ['Dark theme', 'Light theme']) {
      const button = view.page.getByRole('button', { name: theme });
      if (await button.isVisible()) await button.click();
      const path = join(PICTURES, `${name}-${theme.slice(0, 5).trim().toLowerCase()}.png`);
      await view.page.screenshot({ path, animations: 'disabled' });
    }
  }

  it('takes what is dropped, and names what the scene lacks and what cannot be stored', async () => {
    await view.page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
    await view.page.keyboard.press('s');
    await view.page.getByRole('heading', { name: 'Submit', exact: true }).waitFor();
    const drop = `(() => {
      const data = new DataTransfer();
      data.items.add(new File([${JSON.stringify(SCENE)}], 'orbit.pov'));
      document.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
    })()`;
    await view.page.evaluate(drop);
    await view.expectText(view.page.getByRole('list', { name: 'Missing' }), /parts\/ball\.inc/);
    expect(await submit().isDisabled()).toBe(true);
    const payload = (name: string, text = '') => ({ name, mimeType: '', buffer: Buffer.from(text) });
    await files().setInputFiles([
      payload('empty'),
      payload('🌙 \u202egpj.txt', 'x'),
      payload('..\\secret.txt'),
    ]);
    await view.expectText(view.page.getByRole('list', { name: 'Left out' }), /secret\.txt.*cannot be stored/);
    await view.expectText(uploaded(), /Uploaded/);
    await look('submit-missing');
    await view.page.getByRole('button', { name: 'Start over' }).click();
  });

  it('reads a folder, says what it holds, and leads to the job that it made of it', async () => {
    await folders().setInputFiles(folder);
    await view.expectText(facts(), /Engine\s+povray[\s\S]*Needs\s+2 files/);
    await frames().fill('1-');
    await view.expectText(view.page.locator('#field-submit-frames-error'), /1-/);
    await frames().fill('1-3');
    await view.expectText(summary(), /Renders 3 frames of orbit\.pov with POV-Ray 3\.\S+; 1 worker can\./);
    await view.page.getByText('When and where').click();
    await view.page.getByLabel('Engine version').fill('>=99');
    await view.expectText(summary(), /No worker has POV-Ray >=99.* would wait/);
    await view.page.getByLabel('Engine version').fill('');
    await view.page.getByText('Output', { exact: true }).click();
    await view.page.getByLabel('Width').fill('40000000');
    await view.expectText(view.page.locator('#field-submit-output-width-error'), /65536/);
    await view.page.getByLabel('Width').fill('80');
    await view.page.getByLabel('Height').fill('60');
    await look('submit-form');
    await submit().click();
    await view.page.waitForURL(/\/jobs\/[\w-]+$/);
    await view.expectText(view.page.getByTestId('job-state'), /Completed/, 120_000);
    const { frames: counts, name } = await farm.job(view.page.url().split('/').at(-1) ?? '');
    expect({ counts, name }).toMatchObject({ counts: { total: 3, done: 3 }, name: 'orbit' });
  });

  it('begins as a job that was, changed as its document', async () => {
    await view.page.getByRole('button', { name: 'More: orbit' }).click();
    await view.page.getByRole('menuitem', { name: 'Submit like this' }).click();
    await view.expectText(facts(), /povray/);
    expect(await frames().inputValue()).toBe('1-3');
    await view.page.getByRole('button', { name: 'JSON' }).click();
    const text = view.page.getByLabel('Job document as JSON');
    const document = await text.inputValue();
    await text.fill(document.replace('"1-3"', '"1-3",\n  "priority": 200'));
    await view.expectText(view.page.locator('#document-issues'), /Line \d+: priority: 200/);
    await look('submit-json');
    await text.fill(document.replace('"1-3"', '"2"').replace('"orbit"', '"again"'));
    await view.expectText(summary(), /Renders 1 frame of orbit\.pov/);
    await view.page.getByRole('link', { name: 'Workers' }).click();
    await view.page.getByRole('heading', { name: 'Workers', exact: true }).waitFor();
    await view.page.goBack();
    await view.expectText(summary(), /Renders 1 frame of orbit\.pov/);
    await submit().click();
    await view.page.waitForURL(/\/jobs\/[\w-]+$/);
    await view.expectText(view.page.getByRole('heading', { level: 1 }), /again/);
  });

  it('sends nothing that the farm has', async () => {
    sent.length = 0;
    await view.goto('/submit');
    await folders().setInputFiles(folder);
    await view.expectText(uploaded(), /The farm had it all/);
    await view.expectText(facts(), /povray/);
    expect(sent).toEqual([]);
  });

  it('goes on with a cut-off upload after a reload, also while the gateway starts anew', async () => {
    await writeFile(join(folder, 'cache.bin'), randomBytes(BIG_BYTES));
    const isPart = (url: URL): boolean => url.searchParams.has('partNumber');
    const cutAway = (url: URL): boolean => Number(url.searchParams.get('partNumber')) > 2;
    await view.page.route(cutAway, (route) => route.abort());
    sent.length = 0;
    await view.page.getByRole('button', { name: 'Start over' }).click();
    await folders().setInputFiles(folder);
    await view.expectText(uploaded(), /Waiting for the farm/, 90_000);
    await look('submit-waiting');
    await view.page.getByRole('button', { name: 'Pause' }).click();
    await view.expectText(uploaded(), /Paused/);
    await view.page.unroute(cutAway);
    await view.page.reload();
    sent.length = 0;
    process.kill(farm.pidsOf('gateway')[0]!, 'SIGKILL');
    await folders().setInputFiles(folder);
    await view.expectText(uploaded(), /^Uploaded$/, 90_000);
    const parts = sent.map((url) => new URL(url)).filter(isPart);
    expect(parts.map((url) => url.searchParams.get('partNumber')).sort()).toEqual(['3', '4']);
    await view.expectText(facts(), /Needs\s+2 files/);
    await until(() => submit().isEnabled(), 'the job can be submitted');
  });

  it('fits on a phone', async () => {
    await view.page.setViewportSize({ width: 390, height: 844 });
    const overflow = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    expect(await view.page.evaluate(overflow)).toBe(false);
    // Failed requests are those that were cut here, and those to a gateway that was away.
    view.expectQuiet(/socket\.io|WebSocket|ERR_|50\d /);
  });
});
