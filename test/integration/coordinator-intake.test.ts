import { storeAsset } from '../support/assets.ts';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { deadLetterSchema, jobStatusSchema, type DeadLetter } from '../../src/shared/contracts/messages.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';

const valid = { version: 1, name: 'x', engine: 'null', frames: '1-3' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the intake of jobs', () => {
  let farm: CoordinatorFarm;
  beforeAll(async () => {
    farm = await createCoordinatorFarm();
  });
  afterAll(() => farm.dispose());

  const jobCount = async (): Promise<number> =>
    Number(
      (
        await farm.context.ledger
          .selectFrom('jobs')
          .select(({ fn }) => fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    );

  const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
  it.each<[string, unknown, string, RegExp]>([
    ['an unknown engine', { ...valid, engine: 'no-such' }, 'engine', /blender.*ffmpeg.*lottie.*null.*povray/],
    ['an empty frame range', { ...valid, frames: ' ' }, 'frames', /1-100/],
    ['an absurd frame range', { ...valid, frames: '1-999999999999' }, 'frames', /numbers between/],
    ['more frames than a job may have', { ...valid, frames: '1-20000000' }, 'frames', /at most 10,000,000/],
    ['a step against the direction', { ...valid, frames: '10-1y-2' }, 'frames', /positive step/],
    ['a step of 0', { ...valid, frames: '1-10x0' }, 'frames', /1 or more/],
    ['letters for frames', { ...valid, frames: 'a-b' }, 'frames', /1-100/],
    ['two dashes', { ...valid, frames: '1-10-20' }, 'frames', /1-100/],
    ['a step before the range', { ...valid, frames: '1x10-20' }, 'frames', /1-100/],
    ['no frames', { version: 1, name: 'x', engine: 'null' }, 'frames', /1-100/],
    [
      'a scene that is not there',
      { ...valid, engine: 'lottie', scene: `asset:${'0'.repeat(64)}/a.json` },
      'scene',
      /uploaded/,
    ],
    [
      'a template that is not there',
      { ...valid, engine: 'lottie', scene: 'template:nope' },
      'scene',
      /none yet/,
    ],
    ['a scene for an engine without', { ...valid, scene: 'template:nope' }, 'scene', /none/],
    ['no scene for an engine with', { ...valid, engine: 'povray' }, 'scene', /asset:/],
    ['data for an engine that takes none', { ...valid, data: { a: 1 } }, 'data.a', /no values/],
    ['wrong types', { ...valid, name: 7 }, 'name', /string/],
    ['a name with a control character', { ...valid, name: 'a\u0000b' }, 'name', /without NUL/],
    ['an unknown field', { ...valid, colour: 'red' }, 'colour', /documented/],
    ['a later version', { ...valid, version: 2 }, 'version', /1/],
    ['an id with a dot', { ...valid, id: 'a.b' }, 'id', /letter or digit/],
    ['an id with a star', { ...valid, id: '*' }, 'id', /letter or digit/],
    ['an id with a space', { ...valid, id: 'a b' }, 'id', /letter or digit/],
    ['an id with a quote', { ...valid, id: `a'b` }, 'id', /letter or digit/],
    ['a wrong setting', { ...valid, settings: { frameMs: -1 } }, 'settings.frameMs', /0/],
    [
      'an input that the engine does not know',
      {
        ...valid,
        steps: [
          { name: 'a', engine: 'null', frames: '1' },
          {
            name: 'b',
            engine: 'imagemagick',
            frames: '1',
            inputs: { frames: { step: 'a' }, top: { step: 'a' } },
          },
        ],
        engine: undefined,
        frames: undefined,
      },
      'steps[1].inputs.top',
      /frames, over/,
    ],
    ['an unknown setting', { ...valid, settings: { speed: 1 } }, 'settings.speed', /frameMs/],
    ['a format the engine does not write', { ...valid, output: { format: 'exr' } }, 'output.format', /none/],
    [
      'a pattern whose names collide',
      { ...valid, output: { pattern: 'a.{ext}' } },
      'output.pattern',
      /\{frame\}/,
    ],
    [
      'a pattern with a folder',
      { ...valid, output: { pattern: '../{frame}' } },
      'output.pattern',
      /separator/,
    ],
    [
      'an unknown placeholder',
      { ...valid, output: { pattern: '{user}{frame}' } },
      'output.pattern',
      /\{user\}/,
    ],
    ['priority 1000', { ...valid, priority: 1_000 }, 'priority', /100/],
    ['chunk 0', { ...valid, chunk: 0 }, 'chunk', />=1/],
    [
      'engine and steps',
      { ...valid, steps: [{ name: 'a', engine: 'null', frames: '1' }] },
      'engine',
      /each step/,
    ],
    ['neither engine nor steps', { version: 1, name: 'x' }, 'engine', /steps/],
    ['an impossible date', { ...valid, notBefore: 'tomorrow' }, 'notBefore', /ISO/],
    ['not JSON', bytes('{"version": 1,'), '', /JSON/],
    ['bytes that are not UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), '', /UTF-8/],
    ['a depth of 10,000', bytes(deep), '', /64/],
    [
      '__proto__',
      bytes('{"version":1,"name":"x","__proto__":{"engine":"null"}}'),
      '__proto__',
      /another name/,
    ],
    ['a list', [valid], '', /object/],
  ])('refuses %s and says where and what is expected', async (_what, document, path, expected) => {
    const before = await jobCount();
    const reply = await submit(farm.context, document);
    expect(reply).toMatchObject({ code: 'invalid' });
    const { errors } = reply as Extract<typeof reply, { code: unknown }>;
    const issue = errors.find((error) => error.path === path);
    expect(issue, JSON.stringify(errors)).toBeDefined();
    expect(`${issue?.expected} ${issue?.value}`).toMatch(expected);
    expect(await jobCount()).toBe(before);
  });

  it('refuses a document that is too large, and everything that is wrong with one at once', async () => {
    const large = await submit(farm.context, { ...valid, note: 'x'.repeat(1_000_001) });
    expect(large).toMatchObject({ code: 'too-large' });
    const reply = await submit(farm.context, {
      version: 1,
      name: 'x',
      steps: [
        { name: 'a', engine: 'terragen', frames: '1' },
        { name: 'a', engine: 'ffmpeg', inputs: { frames: { step: 'gone' } }, settings: { crf: 99 } },
      ],
    });
    const { errors } = reply as Extract<typeof reply, { code: unknown }>;
    expect(errors.map((error) => error.path).sort()).toEqual(
      ['steps[0].engine', 'steps[1].inputs.frames.step', 'steps[1].name', 'steps[1].settings.crf'].sort(),
    );
  });

  it('refuses cycles with the cycle named, and a step that waits for itself', async () => {
    const step = (name: string, ...dependsOn: string[]) => ({ name, engine: 'null', frames: '1', dependsOn });
    const cycle = await submit(farm.context, {
      version: 1,
      name: 'x',
      steps: [step('a', 'c'), step('b', 'a'), step('c', 'b')],
    });
    expect(JSON.stringify(cycle)).toContain('the cycle a → c → b → a');
    const self = await submit(farm.context, { version: 1, name: 'x', steps: [step('a', 'a')] });
    expect(self).toMatchObject({ errors: [{ path: 'steps[0].dependsOn' }] });
  });

  it('holds data against the schema of a template, all errors at once, and takes its defaults', async () => {
    const template = (version: number, frames: string) => ({
      name: 'card',
      version,
      engine: 'lottie',
      label: 'Card',
      asset: '0'.repeat(64),
      scene_path: 'card.json',
      schema: JSON.stringify({
        type: 'object',
        additionalProperties: false,
        required: ['title'],
        properties: { title: { type: 'string', maxLength: 5 }, size: { type: 'number', default: 3 } },
      }),
      slots: JSON.stringify({
        title: { kind: 'text', slot: 'headline' },
        size: { kind: 'number', slot: 'scale' },
      }),
      defaults: JSON.stringify({ frames, output: { format: 'jpg' } }),
    });
    await farm.context.ledger
      .insertInto('templates')
      .values([template(1, '0-3'), template(2, '0-23')])
      .execute();
    const card = { version: 1, name: 'x', engine: 'lottie', scene: 'template:card' };
    expect(await submit(farm.context, { ...card, data: { size: 'big', font: 'Arial' } })).toMatchObject({
      errors: [
        { path: 'data.title', value: 'nothing' },
        { path: 'data.font', value: 'an unknown parameter' },
        { path: 'data.size', value: '"big"', expected: 'number' },
      ],
    });
    expect(await submit(farm.context, { ...card, data: { title: 'much too long' } })).toMatchObject({
      errors: [{ path: 'data.title', expected: 'NOT have more than 5 characters' }],
    });
    expect(
      await submit(farm.context, { ...card, scene: 'template:card@9', data: { title: 'a' } }),
    ).toMatchObject({
      errors: [{ path: 'scene', expected: 'template:card@2 or an older version of it' }],
    });
    expect(await submit(farm.context, { ...card, engine: 'povray', data: { title: 'a' } })).toMatchObject({
      errors: [
        { path: 'engine', expected: '"lottie", the engine of template card' },
        { path: 'data.headline', expected: 'number' },
        { path: 'output.format' },
      ],
    });
    const newest = await submit(farm.context, { ...card, id: 'card-2', data: { title: 'a' } });
    expect(newest).toMatchObject({ job: { frames: { total: 24 } } });
    expect(
      await submit(farm.context, { ...card, scene: 'template:card@1', data: { title: 'a' } }),
    ).toMatchObject({
      job: { frames: { total: 4 } },
    });
    const step = await farm.context.ledger
      .selectFrom('steps')
      .select('spec')
      .where('job_id', '=', 'card-2')
      .executeTakeFirstOrThrow();
    expect(step.spec).toMatchObject({ data: { headline: 'a', scale: 3 }, output: { format: 'jpg' } });
  });

  it('gives data to an engine that takes it without a template', async () => {
    const asset = await storeAsset(farm.context, 'card.svg');
    const card = { version: 1, name: 'x', engine: 'inkscape', scene: `asset:${asset}/card.svg`, frames: '0' };
    expect(await submit(farm.context, { ...card, data: { title: { a: 1 } } })).toMatchObject({
      errors: [{ path: 'data.title', value: expect.stringContaining('"a"') as string }],
    });
    await submit(farm.context, { ...card, id: 'svg-1', data: { title: 'Hi', 'bar@width': 3 } });
    const step = await farm.context.ledger
      .selectFrom('steps')
      .select('spec')
      .where('job_id', '=', 'svg-1')
      .executeTakeFirstOrThrow();
    expect(step.spec).toMatchObject({ data: { title: 'Hi', 'bar@width': 3 } });
  });

  it('makes one job of 100 equal submissions at once, and says conflict to another document', async () => {
    const document = { ...valid, id: 'hundred', frames: '1-200' };
    const replies = await Promise.all(Array.from({ length: 100 }, () => submit(farm.context, document)));
    expect(replies.filter((reply) => 'existing' in reply && !reply.existing)).toHaveLength(1);
    expect(replies.every((reply) => 'id' in reply && reply.id === 'hundred')).toBe(true);
    const frames = await farm.context.ledger
      .selectFrom('frames')
      .innerJoin('steps', 'steps.key', 'frames.step_key')
      .select('number')
      .where('job_id', '=', 'hundred')
      .execute();
    expect(frames).toHaveLength(200);
    expect(await submit(farm.context, { ...document, frames: '1-201' })).toMatchObject({
      code: 'conflict',
      errors: [{ path: 'id' }],
    });
  });

  it('takes an idempotency key as the same job, by owner', async () => {
    const document = { ...valid, idempotencyKey: 'k1', owner: 'ann' };
    const first = await submit(farm.context, document);
    const second = await submit(farm.context, document);
    expect(second).toMatchObject({ existing: true, id: (first as { id: string }).id });
    expect(await submit(farm.context, { ...document, owner: 'bob' })).toMatchObject({ existing: false });
    expect(await submit(farm.context, { ...document, name: 'y' })).toMatchObject({
      code: 'conflict',
      errors: [{ path: 'idempotencyKey', value: '"k1"' }],
    });
  });

  it('writes one dead letter for a bad message, says so to the id it brings, and goes on', async () => {
    const submitter = await farm.context.connectAs('submitter');
    const said = submitter.subscribe('status.job.bad-one', { max: 1 });
    await jetstream(submitter).publish(
      'jobs',
      encodeMessage({ ...valid, id: 'bad-one', engine: 'terragen' }),
    );
    await jetstream(submitter).publish('jobs', new Uint8Array([0xff]));
    await jetstream(submitter).publish('jobs', encodeMessage({ ...valid, id: 'good-one' }));
    await jobWhen(farm.context, 'good-one', 'queued');
    for await (const message of said)
      expect(jobStatusSchema.parse(message.json())).toMatchObject({
        type: 'refused',
        jobId: 'bad-one',
        errors: [{ path: 'engine', value: '"terragen"' }],
      });
    const letters = await deadLetters('dead.jobs.>');
    expect(letters).toHaveLength(2);
    const letter = letters.find(({ errors }) => errors[0]?.path === 'engine');
    expect(Buffer.from(letter?.excerpt ?? '', 'base64').toString()).toContain('bad-one');
  });

  it('makes no second job of a message that is delivered again, with or without an id of its own', async () => {
    const publisher = jetstream(await farm.context.connectAs('submitter'));
    const before = await jobCount();
    await publisher.publish('jobs', encodeMessage({ ...valid, name: 'without anything' }));
    await publisher.publish('jobs', encodeMessage({ ...valid, name: 'with a message id' }), { msgID: 'm1' });
    await until('two jobs are there', async () => (await jobCount()) === before + 2);
    const manager = await jetstreamManager(await farm.context.connectAs('operator'));
    // With its consumer everything that the coordinators know of what they took is gone: the stream is read anew.
    await manager.consumers.delete('JOBS', 'coordinators');
    await publisher.publish('jobs', encodeMessage({ ...valid, id: 'after-all' }));
    await jobWhen(farm.context, 'after-all', 'queued');
    await until('all is read', async () => {
      const info = await manager.consumers.info('JOBS', 'coordinators');
      return info.num_pending === 0 && info.num_ack_pending === 0;
    });
    expect(await jobCount()).toBe(before + 3);
  });

  it('takes a message id as an idempotency key beyond the time for which JetStream knows it', async () => {
    const publisher = jetstream(await farm.context.connectAs('submitter'));
    const before = await jobCount();
    const manager = await jetstreamManager(await farm.context.connectAs('operator'));
    await publisher.publish('jobs', encodeMessage({ ...valid, name: 'm2' }), { msgID: 'm2' });
    await until('the job is there', async () => (await jobCount()) === before + 1);
    await manager.streams.delete('JOBS');
    await until('the stream is made again', () =>
      manager.streams.info('JOBS').then(
        () => true,
        () => false,
      ),
    );
    await publisher.publish('jobs', encodeMessage({ ...valid, name: 'm2' }), { msgID: 'm2' });
    await publisher.publish('jobs', encodeMessage({ ...valid, id: 'after-m2' }));
    await jobWhen(farm.context, 'after-m2', 'queued');
    expect(await jobCount()).toBe(before + 2);
  });

  const deadLetters = async (filter: string): Promise<DeadLetter[]> => {
    const connection = await farm.context.connectAs('operator');
    const manager = await jetstreamManager(connection);
    const info = await manager.streams.info('DEAD', { subjects_filter: filter });
    const consumer = await jetstream(connection).consumers.get('DEAD', { filter_subjects: [filter] });
    const letters: DeadLetter[] = [];
    const wanted = Object.values(info.state.subjects ?? {}).reduce((sum, n) => sum + n, 0);
    for await (const message of await consumer.fetch({ max_messages: wanted, expires: 5_000 }))
      letters.push(deadLetterSchema.parse(message.json()));
    return letters;
  };
});
