import { expect, it } from 'vitest';
import { readServerSentEvents } from './server-sent-events.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

const STREAM = [
  'retry: 2000',
  ': a comment\nid: 1.x',
  'event: one\ndata: {"a":"ü"}',
  'id: 2.x\nevent: two\ndata: first\ndata: second',
  'data: no type',
  'id: 3.x\nevent: cut off',
].join('\n\n');

it.each([1, 3, 1_000])('reads events in pieces of %i bytes', async (size) => {
  const heard: unknown[] = [];
  for await (const event of readServerSentEvents(inPieces(STREAM, size), (id) => heard.push(id)))
    heard.push([event.type, event.data]);
  expect(heard).toEqual([
    '1.x',
    ['one', '{"a":"ü"}'],
    ['two', 'first\nsecond'],
    '2.x',
    ['message', 'no type'],
  ]);
});

it('reads lines that end as on Windows', async () => {
  const heard: unknown[] = [];
  for await (const event of readServerSentEvents(inPieces('event: a\r\ndata: b\r\n\r\n', 4), () => undefined))
    heard.push(event);
  expect(heard).toEqual([{ type: 'a', data: 'b' }]);
});
