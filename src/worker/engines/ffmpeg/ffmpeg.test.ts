import { describe, expect, it } from 'vitest';
import { encodeArguments, type EncodeRequest } from './arguments.ts';
import { parseFfmpegVersion } from './detect.ts';
import { FfmpegOutput } from './parse-output.ts';

const REQUEST: EncodeRequest = {
  settings: {},
  fps: 24,
  frames: 48,
  width: undefined,
  height: undefined,
  extension: 'png',
  hasAlpha: false,
  hasAudio: false,
  threads: 1,
};

const after = (args: readonly string[], name: string): string | undefined => args[args.lastIndexOf(name) + 1];

describe('FFmpeg options', () => {
  it('make H.264 with even sides that every player shows', () => {
    const args = encodeArguments(REQUEST);
    expect(after(args, '-i')).toBe('f_%08d.png');
    expect(after(args, '-vf')).toBe(
      'pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709',
    );
    expect(args).not.toContain('-t');
  });

  it('fit pictures into the size asked for and flatten transparency', () => {
    const filters = after(encodeArguments({ ...REQUEST, width: 641, height: 360, hasAlpha: true }), '-vf');
    expect(filters).toContain('premultiply=inplace=1');
    expect(filters).toContain('pad=642:360:');
  });

  it('turn the linear light of EXR into sRGB, alpha dropped', () => {
    const filters = after(encodeArguments({ ...REQUEST, extension: 'exr' }), '-vf');
    expect(filters).toMatch(/^format=gbrp16,lutrgb=/);
    expect(filters).not.toContain('premultiply');
  });

  it('mux sound without letting its file open others', () => {
    const args = encodeArguments({ ...REQUEST, hasAudio: true });
    expect(args.filter((arg) => arg === '-protocol_whitelist')).toHaveLength(2);
    expect(args).toEqual(expect.arrayContaining(['-format_whitelist', 'apad', '-t', '2.000000']));
  });
});

describe('FFmpeg output', () => {
  it('counts frames and knows the end', () => {
    const output = new FfmpegOutput();
    for (const line of ['frame=5', 'fps=0.00', 'progress=continue']) output.readProgress(line);
    expect([output.frames, output.ended]).toEqual([5, false]);
    for (const line of ['frame=12', 'progress=end']) output.readProgress(line);
    expect([output.frames, output.ended]).toEqual([12, true]);
  });

  it('gives the first complaints without addresses of memory', () => {
    const output = new FfmpegOutput();
    output.readError('[png @ 0x5557c3535b40] chunk too big');
    output.readError('Conversion failed!');
    expect(output.reason).toBe('[png] chunk too big');
    expect(output.failureClass).toBe('scene');
    output.readError('av_interleaved_write_frame(): No space left on device');
    expect(output.failureClass).toBe('host');
  });
});

it.each([
  ['ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026', '5.1.9'],
  ['ffmpeg version n9.0.2-17-g2a571b6068-20260930 Copyright', '9.0.2'],
  ['ffmpeg version N-120000-gabcdef Copyright', 'N-120000-gabcdef'],
  ['ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright', null],
  ['something else', null],
])('%s', (printed, version) => {
  expect(parseFfmpegVersion(printed)).toBe(version);
});
