import { describe, expect, it } from 'vitest';
import { issuesOf } from './draft.ts';
import { placeIssues, readDocument } from './json-places.ts';

const TEXT = `{
  "version": 1,
  "name": "a",
  "steps": [
    {
      "name": "render",
      "engine": "null",
      "chunk": -1
    }
  ],
  "nonsense": true
}`;

describe('a document as text', () => {
  it('has its mistakes at their lines', () => {
    const read = readDocument(TEXT);
    const issues = 'draft' in read ? placeIssues(TEXT, issuesOf(read.draft)) : [];
    expect(issues.map(({ line }) => line)).toEqual([8, 11]);
    expect(issues[1]?.text).toMatch(/^nonsense: an unknown field/);
  });

  it('says where it is no JSON, and that it is no object', () => {
    expect(readDocument('{\n  "version": 1,\n}')).toMatchObject({ issues: [{ line: 3 }] });
    expect(readDocument('[]')).toMatchObject({ issues: [{ line: 1 }] });
  });
});
