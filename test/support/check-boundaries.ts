import { existsSync } from 'node:fs';
import { cruise, type IReporterOutput } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

/** Fewer would mean that the rules looked at nothing. */
const LEAST_MODULES = 30;
const FOLDERS = ['src', 'ui', 'test', 'deploy'];

const options = await extractDepcruiseOptions('./.dependency-cruiser.cjs');
const report: IReporterOutput = await cruise(
  FOLDERS.filter((folder) => existsSync(folder)),
  { ...options, outputType: 'json' },
  undefined,
  { tsConfig: extractTsConfig('tsconfig.json') },
);
const { modules, summary } = JSON.parse(report.output as string) as {
  modules: { source: string }[];
  summary: { violations: { rule: { name: string }; from: string; to: string }[] };
};

const own = modules.filter((module) => FOLDERS.some((folder) => module.source.startsWith(`${folder}/`)));
for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} → ${to}`);
if (summary.violations.length > 0) {
  console.error(
    `${summary.violations.length} imports cross a boundary; the rules are in .dependency-cruiser.cjs.`,
  );
  process.exitCode = 1;
} else if (own.length <= LEAST_MODULES) {
  console.error(`Only ${own.length} modules were seen; the check looked in the wrong place.`);
  process.exitCode = 1;
} else {
  console.log(`${own.length} modules keep the boundaries.`);
}
