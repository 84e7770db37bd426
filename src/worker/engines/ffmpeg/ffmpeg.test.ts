import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeRuns, type EncodeRequest } from './arguments.ts';
import { burnInOverlay } from './burn-in.ts';
import { chosenPreset } from './chosen-preset.ts';
import { ffmpegEngine } from './engine.ts';
import { PRESETS } from './presets.ts';

const REQUEST: EncodeRequest = {
  preset: PRESETS.h264,
  crf: undefined,
  speed: undefined,
  fps: 24,
  frames: 48,
  width: undefined,
  height: undefined,
  extension: 'png',
  hasAlpha: false,
  hasAudio: false,
  overlays: [],
  threads: 1,
};

const argumentsOf = (request: Partial<EncodeRequest>): string[] =>
  encodeRuns({ ...REQUEST, ...request }).at(-1) ?? [];
const after = (args: readonly string[], name: string): string | undefined => args[args.lastIndexOf(name) + 1];

describe('FFmpeg options', () => {
  it('make H.264 with even sides that every player shows', () => {
    const args = argumentsOf({});
    expect(after(args, '-i')).toBe('f_%08d.png');
    expect(after(args, '-vf')).toBe(
      'pad=ceil(iw/2)*2:ceil(ih/2)*2:0:0,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709',
    );
    expect(args).not.toContain('-t');
  });

  it('fit pictures into the size asked for and flatten transparency', () => {
    const filters = after(argumentsOf({ width: 641, height: 360, hasAlpha: true }), '-vf');
    expect(filters).toContain('premultiply=inplace=1');
    expect(filters).toContain('pad=642:360:');
  });

  it('turn the linear light of EXR into a picture, alpha dropped', () => {
    const filters = after(argumentsOf({ extension: 'exr' }), '-vf');
    expect(filters).toMatch(/^format=gbrpf32,lut1d=view.cube/);
    expect(filters).not.toContain('premultiply');
  });

  it('mux sound without letting its file open others', () => {
    const args = argumentsOf({ hasAudio: true });
    expect(args.filter((arg) => arg === '-protocol_whitelist')).toHaveLength(2);
    expect(args).toEqual(expect.arrayContaining(['-format_whitelist', 'apad', '-t', '2.000000']));
  });

  it('never hold a text that somebody wrote', () => {
    const title = `it's: 100 % \\ ' , ; [x]`;
    const { filters, files } = burnInOverlay({ title, version: 'v1' }, [1, 2, 3], 24);
    expect(argumentsOf({ overlays: filters }).join(' ')).not.toContain('100');
    expect(files['title.txt']).toBe(title);
  });

  it('say of settings that do not go together what to change', () => {
    const features = ['h264', 'gif', 'prores'];
    const choose = (settings: Parameters<typeof chosenPreset>[0], format: string): (() => unknown) => {
      return () => chosenPreset(settings, format, features);
    };
    expect(choose({ encode: 'prores' }, 'mp4')).toThrow('makes .mov files');
    expect(choose({ audio: 'a' }, 'gif')).toThrow('has no sound');
    expect(choose({ crf: 3 }, 'mov')).toThrow('no rate factor');
    expect(choose({ preset: 'slow' }, 'gif')).toThrow('knows no "preset"');
    expect(choose({}, 'webm')).toThrow('built without vp9');
    expect(choose({ burnIn: {} }, 'mp4')).toThrow('built without drawtext');
  });
});

describe('FFmpeg is found', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'farmhand-ffmpeg-'));
    vi.stubEnv('FARMHAND_FFMPEG', join(folder, 'ffmpeg'));
    vi.stubEnv('PATH', '/usr/bin:/bin');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026', '5.1.9'],
    ['ffmpeg version n9.0.2-17-g2a571b6068-20260930 Copyright', '9.0.2'],
    ['ffmpeg version N-120000-gabcdef Copyright', 'N-120000'],
  ])('%s', async (printed, version) => {
    install(printed, ' V....D libx264              libx264 H.264');
    const detected = await ffmpegEngine.detect({ cacheDir: undefined });
    expect(detected).toEqual({ version, features: ['h264'], program: join(folder, 'ffmpeg') });
  });

  it.each([
    ['ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright', ' V....D libx264 '],
    ['ffmpeg version 5.1.9 Copyright', ' V....D mpeg4 '],
    ['something else', ' V....D libx264 '],
  ])('but not %s with %s', async (printed, encoders) => {
    install(printed, encoders);
    const detected = await ffmpegEngine.detect({ cacheDir: undefined });
    expect(detected?.program).not.toBe(join(folder, 'ffmpeg'));
  });

  function install(version: string, encoders: string): void {
    const answer = `case "$*" in *-encoders*) echo '${encoders}';; *) echo '${version}';; esac`;
    writeFileSync(join(folder, 'ffmpeg'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
  }
});
