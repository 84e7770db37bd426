import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { engineCatalogue } from '../../src/shared/engines/engine-catalogue.ts';
import { definitionDigest } from '../../src/shared/engines/pushed-definitions.ts';
import { lastOfEach } from '../../src/shared/messaging/last-of-each.ts';
import { startTestCoordinator, type TestCoordinator } from '../support/coordinator.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { WorkerProcess } from '../support/worker-process.ts';

/** A studio's renderer: copies the picture that stands beside it. */
const RENDERER = `#!/bin/sh
case "$1" in
  --version) echo 'stamp 1.2.0';;
  *) cp "$(dirname "$0")/dot.png" "$2"; echo "stamped with $1";;
esac
`;
const DOT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const definition = (ink: string): string => `id: stamp
label: Stamp
status: run-here
scene: none
work: range
formats: [png]
find: { names: [farmhand-test-stamp] }
version: { args: [--version], regex: 'stamp (\\S+)' }
args: [${ink}, '{out}']
outputs: [{ file: 'f_{frame:04}.{format}' }]
`;

let context: TestContext;
let coordinator: TestCoordinator;
let gateway: TestGateway;
let worker: WorkerProcess;
beforeEach(async () => {
  context = await createTestContext();
  coordinator = await startTestCoordinator(context);
  gateway = await startTestGateway(context);
  const programs = join(context.folder, 'programs');
  mkdirSync(programs);
  writeFileSync(join(programs, 'farmhand-test-stamp'), RENDERER);
  writeFileSync(join(programs, 'dot.png'), DOT);
  chmodSync(join(programs, 'farmhand-test-stamp'), 0o755);
  worker = new WorkerProcess(context, {
    FARMHAND_ENGINES: 'null,stamp',
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
  });
});
afterEach(async () => {
  await worker.end();
  await gateway.stop();
  await coordinator.stop();
  await context.dispose();
  // Coordinator and gateway run in this process, which has one catalogue.
  for (const id of ['stamp', 'seal']) engineCatalogue().remove(id);
});

interface EngineEntry {
  id: string;
  workers: number;
  definition: string;
}

const push = (text: string, status = 200): Promise<{ message?: string; detail?: string }> =>
  gateway.json('/api/engines/stamp', status, { method: 'PUT', body: JSON.stringify({ text }) });
const remove = (status = 200): Promise<{ message?: string; detail?: string }> =>
  gateway.json('/api/engines/stamp', status, { method: 'DELETE' });
const listed = async (): Promise<EngineEntry | undefined> => {
  const { engines } = await gateway.json<{ engines: EngineEntry[] }>('/api/engines');
  return engines.find(({ id }) => id === 'stamp');
};
const offered = (): Promise<void> =>
  until('a worker has it', async () => (await listed())?.workers === 1, 30_000);
const document = (id: string): Record<string, unknown> => ({
  version: 1,
  ...{ id, name: id, engine: 'stamp', frames: '1-2', chunk: 1 },
});
/** What made each of a job's frames. */
async function madeBy(id: string): Promise<(string | null)[]> {
  await jobWhen(context, id, 'completed', 40_000);
  const { frames } = await gateway.json<{ frames: { definition: string | null }[] }>(
    `/api/jobs/${id}/frames`,
  );
  return frames.map((frame) => frame.definition);
}

describe('a definition that is given to the farm', () => {
  it('renders without a restart, the next version from the next task on, and not once it is removed', async () => {
    const pid = worker.pid;
    expect(await submit(context, document('early'))).toMatchObject({ code: 'invalid' });
    expect(await push(definition('blue'))).toMatchObject({
      message: expect.stringContaining('Stamp (stamp@1)') as string,
    });
    await offered();
    await submit(context, document('first'));
    expect(await madeBy('first')).toEqual(['stamp@1', 'stamp@1']);

    expect(await push(definition('red'))).toMatchObject({
      message: expect.stringContaining('stamp@2') as string,
    });
    expect(await push(definition('red'))).toMatchObject({
      message: expect.stringMatching(/stamp@2\) already/) as string,
    });
    await until('the worker took it', () => worker.output.join('').includes('"definition":2'));
    await submit(context, document('second'));
    expect(await madeBy('second')).toEqual(['stamp@2', 'stamp@2']);
    // What was rendered before keeps its name.
    expect(await madeBy('first')).toEqual(['stamp@1', 'stamp@1']);
    expect(await listed()).toMatchObject({ definition: 'stamp@2', workers: 1 });

    await remove();
    const refused = await submit(context, document('late'));
    expect(JSON.stringify(refused)).toMatch(/engine: got .{0,3}stamp.{0,3}, expected one of .*blender/);
    await until('no worker has it', async () => (await listed()) === undefined);
    await remove();
    expect({ pid: worker.pid, hasEnded: worker.hasEnded }).toEqual({ pid, hasEnded: false });
  });

  it('is refused when it is broken, with line and field, and the one before stays', async () => {
    await push(definition('blue'));
    const field = await push(definition('red').replace('range', 'rage'), 400);
    expect(field.detail).toMatch(/engine\.yaml:5:7: work: got "rage", expected one of range, unit/);
    const pattern = await push(definition('red').replace("'stamp (\\S+)'", "'stamp (?=x)'"), 400);
    expect(pattern.detail).toMatch(/engine\.yaml:8:\d+: version\.regex/);
    expect(await listed()).toMatchObject({ definition: 'stamp@1' });
    const other = await gateway.json<{ detail: string }>('/api/engines/other', 400, {
      method: 'PUT',
      body: JSON.stringify({ text: definition('red') }),
    });
    expect(other.detail).toContain("the definition's id, stamp");
  });

  it('is told again to an empty NATS, by a coordinator that was started anew', async () => {
    await push(definition('blue'));
    await offered();
    await coordinator.stop();
    const connection = await context.connectAs('operator');
    const manager = await jetstreamManager(connection);
    await manager.streams.delete('ENGINES');
    coordinator = await startTestCoordinator(context);
    await until('it lies in the stream again', async () => {
      const { state } = await manager.streams.info('ENGINES');
      return state.messages === 1;
    });
    // A worker that starts now has it.
    await worker.end('SIGTERM');
    worker = new WorkerProcess(context, {
      FARMHAND_ENGINES: 'stamp',
      FARMHAND_WORKER_ID: 'another',
      PATH: `${join(context.folder, 'programs')}:${process.env['PATH'] ?? ''}`,
    });
    await submit(context, document('after'));
    expect(await madeBy('after')).toEqual(['stamp@1', 'stamp@1']);
  });

  it('is taken when its number is given anew, as after the ledger was restored from an older backup', async () => {
    await push(definition('blue'));
    await offered();
    const text = definition('red');
    await context.ledger
      .updateTable('engine_definitions')
      .set({ text, digest: definitionDigest(text) })
      .where('id', '=', 'stamp')
      .execute();
    await coordinator.stop();
    coordinator = await startTestCoordinator(context);
    const heard = (): number => worker.output.join('').split('"definition":1').length - 1;
    await until('the worker took it', () => heard() >= 2);
    await submit(context, document('restored'));
    expect(await madeBy('restored')).toEqual(['stamp@1', 'stamp@1']);
    const [notice] = await lastOfEach(
      await jetstreamManager(await context.connectAs('operator')),
      'ENGINES',
      'engines.>',
    );
    expect(Buffer.from(notice?.data ?? '').toString()).toContain(definitionDigest(text));
  });

  it('is refused by a worker that cannot read it, which says so and renders nothing with the one before', async () => {
    await push(definition('blue'));
    await offered();
    const connection = await context.connectAs('operator');
    const text = definition('red').replace('range', 'rage');
    const notice = {
      version: 1,
      type: 'put',
      id: 'stamp',
      definition: 9,
      digest: definitionDigest(text),
      text,
    };
    connection.publish('engines.stamp', encodeMessage(notice));
    const problems = async (): Promise<string[]> => {
      const { workers } = await gateway.json<{ workers: { problems: string[] }[] }>('/api/workers');
      return workers.flatMap((one) => one.problems);
    };
    await until('it says so', async () => (await problems()).length > 0);
    expect(await problems()).toEqual([
      expect.stringMatching(/^Definition 9 of the engine stamp is not usable here: .*\nstamp@9:5:7: work/),
    ]);
    await until('it has the engine no more', async () => (await listed())?.workers === 0);
  });

  it('comes from a folder, which is watched; what is wrong with a file is shown, and the one before stays', async () => {
    const folder = join(context.folder, 'engines');
    mkdirSync(folder);
    const file = join(folder, 'stamp.yaml');
    writeFileSync(file, definition('blue'));
    await coordinator.stop();
    coordinator = await startTestCoordinator(context, {}, { FARMHAND_ENGINES_DIR: folder });
    await until('the first is there', async () => (await listed())?.definition === 'stamp@1');
    expect(await listed()).toMatchObject({ given: { by: 'folder' } });

    writeFileSync(file, definition('red').replace('range', 'rage'));
    const problems = async (): Promise<{ file: string; message: string }[]> =>
      (await gateway.json<{ problems: { file: string; message: string }[] }>('/api/engines')).problems;
    await until('the mistake is shown', async () => (await problems()).length === 1);
    expect(await problems()).toEqual([
      { file, message: expect.stringContaining(`${file}:5:7: work: got "rage"`) as string },
    ]);
    expect(await listed()).toMatchObject({ definition: 'stamp@1' });

    writeFileSync(file, definition('red'));
    await until('the next is there', async () => (await listed())?.definition === 'stamp@2');
    await until('nothing is wrong', async () => (await problems()).length === 0);

    // What was taken away by hand does not come again with the next start.
    await remove();
    await coordinator.stop();
    writeFileSync(join(folder, 'other.yaml'), definition('green').replaceAll('stamp', 'seal'));
    coordinator = await startTestCoordinator(context, {}, { FARMHAND_ENGINES_DIR: folder });
    const seal = async (): Promise<boolean> => {
      const { engines } = await gateway.json<{ engines: EngineEntry[] }>('/api/engines');
      return engines.some(({ id, definition: made }) => id === 'seal' && made === 'seal@1');
    };
    await until('the other file is taken', seal);
    // The worker may still have it for a moment; the farm does not give it again.
    expect((await listed())?.definition ?? null).toBeNull();
  });

  it('is not taken by a worker that takes none', async () => {
    await worker.end();
    worker = new WorkerProcess(context, {
      FARMHAND_PUSHED_ENGINES: 'off',
      PATH: `${join(context.folder, 'programs')}:${process.env['PATH'] ?? ''}`,
    });
    await push(definition('blue'));
    await until('the worker is ready', () => worker.output.join('').includes('the worker is ready'));
    await until('it is heard', async () => {
      const { engines } = await gateway.json<{ engines: EngineEntry[] }>('/api/engines');
      return engines.find(({ id }) => id === 'null')?.workers === 1;
    });
    expect(await listed()).toMatchObject({ workers: 0, definition: 'stamp@1' });
  });
}, 120_000);
