import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import packageJson from '../../package.json' with { type: 'json' };
import { asyncApiDocument } from './contracts/asyncapi.ts';
import { engineTables } from './contracts/engine-tables.ts';
import { openApiDocument } from './contracts/openapi.ts';
import { protocolTables } from './contracts/protocol-tables.ts';

/**
 * `node src/cli/generate-contracts.ts [--check]`: writes docs/openapi.json, docs/asyncapi.json and the tables of
 * docs/protocols.md and docs/engines.md from the schemas that the farm runs by; with `--check`, only says whether they are up to date.
 */
const docs = join(import.meta.dirname, '..', '..', 'docs');

/** Replaces what stands between `<!-- generated: name -->` and `<!-- end -->`. */
function fillMarkers(name: string, text: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((result, [part, table]) => {
    const start = `<!-- generated: ${part} -->`;
    const from = result.indexOf(start);
    const to = result.indexOf('<!-- end -->', from);
    if (from < 0 || to < 0) throw new Error(`docs/${name} has no marker ${start} … <!-- end -->`);
    return `${result.slice(0, from)}${start}\n\n${table}\n\n${result.slice(to)}`;
  }, text);
}

async function pretty(file: string, text: string): Promise<string> {
  return await format(text, { ...(await resolveConfig(file)), filepath: file });
}

async function main(check: boolean): Promise<void> {
  const read = async (name: string): Promise<string> =>
    await readFile(join(docs, name), 'utf8').catch(() => '');
  const { version } = packageJson;
  const contents: Record<string, string> = {
    'openapi.json': JSON.stringify(openApiDocument(version)),
    'asyncapi.json': JSON.stringify(asyncApiDocument(version)),
    'protocols.md': fillMarkers('protocols.md', await read('protocols.md'), protocolTables()),
    'engines.md': fillMarkers('engines.md', await read('engines.md'), engineTables()),
  };
  const stale: string[] = [];
  for (const [name, content] of Object.entries(contents)) {
    const file = join(docs, name);
    const wanted = await pretty(file, content);
    if (wanted === (await read(name))) continue;
    stale.push(`docs/${name}`);
    if (!check) await writeFile(file, wanted);
  }
  if (!check) console.log(stale.length === 0 ? 'Up to date.' : `Wrote ${stale.join(', ')}.`);
  else if (stale.length > 0) {
    console.error(`Out of date: ${stale.join(', ')}. Run npm run generate:contracts.`);
    process.exitCode = 1;
  }
}

await main(process.argv.includes('--check'));
