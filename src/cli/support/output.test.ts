import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output, printable, printableLines } from './output.ts';

function capture(json: boolean): { out: Output; stdout: () => string; stderr: () => string } {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const read = (stream: PassThrough) => () => (stream.read() as Buffer | null)?.toString() ?? '';
  return {
    out: new Output(json, streams.stdout, streams.stderr),
    stdout: read(streams.stdout),
    stderr: read(streams.stderr),
  };
}

async function* numbers(n: number): AsyncGenerator<{ n: number }> {
  for (let i = 0; i < n; i++) yield await Promise.resolve({ n: i });
}

describe('Output', () => {
  it('puts one JSON document on stdout and everything else on stderr', async () => {
    const { out, stdout, stderr } = capture(true);
    out.note('on the way');
    await out.result({ id: 'a' }, () => 'text');
    expect(JSON.parse(stdout())).toEqual({ id: 'a' });
    expect(stderr()).toBe('on the way\n');
  });

  it('writes text for people without --json', async () => {
    const { out, stdout } = capture(false);
    await out.result({ id: 'a' }, () => 'text');
    expect(stdout()).toBe('text\n');
  });

  it.each([0, 1, 3])('streams an array of %d as one JSON document', async (n) => {
    const { out, stdout } = capture(true);
    await out.streamArray(numbers(n));
    expect(JSON.parse(stdout())).toEqual(Array.from({ length: n }, (_, i) => ({ n: i })));
  });
});

describe('printable', () => {
  it('keeps text and takes the terminal’s commands out', () => {
    expect(printable('Größe 你好\u001b]0;x\u0007\u009b2J\nnext')).toBe('Größe 你好?]0;x??2J next');
    expect(printableLines('10%\r20%\r\ndone\u001b[0m\tx')).toBe('10%\n20%\ndone?[0m\tx');
  });
});
