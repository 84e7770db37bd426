import { describe, expect, it } from 'vitest';
import { findCommands, type PaletteCommand } from './palette-commands.ts';

const command = (group: PaletteCommand['group'], label: string): PaletteCommand => ({
  id: label,
  group,
  label,
  icon: '',
  run: () => undefined,
});
const all = [
  command('Go to', 'Jobs'),
  command('Go to', 'Workers'),
  command('Jobs', 'My jobs'),
  command('Jobs', 'Opening'),
];

describe('findCommands', () => {
  it('finds what has every word, and keeps groups together', () => {
    expect(findCommands(all, '').map(({ id }) => id)).toEqual(['Jobs', 'Workers', 'My jobs', 'Opening']);
    expect(findCommands(all, 'go wor').map(({ id }) => id)).toEqual(['Workers']);
    expect(findCommands(all, 'op').map(({ id }) => id)).toEqual(['Opening']);
    expect(findCommands(all, 'nothing')).toEqual([]);
  });
});
