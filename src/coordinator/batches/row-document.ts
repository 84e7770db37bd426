import { SINGLE_STEP, type JobDocument } from '../../shared/contracts/job-document.ts';
import type { BatchDocument } from '../../shared/contracts/batch.ts';
import type { TemplatesTable } from '../../shared/database/schema.ts';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';
import { patternColumns, rowName } from '../../shared/domain/row-name.ts';
import type { Selectable } from 'kysely';

export interface RowOfBatch {
  batchId: string;
  row: number;
  /** Everything that stands in the row, but not what stands about it. */
  values: Readonly<Record<string, unknown>>;
}

/**
 * The job of one row: always the same for the same row, so that a row that is taken again is no second job.
 * @param template in the one version that the batch uses
 */
export function rowDocument(
  batch: BatchDocument,
  template: Selectable<TemplatesTable>,
  { batchId, row, values }: RowOfBatch,
): JobDocument & { id: string } {
  const pattern = batch.namePattern ?? `${batch.name.replace(/[{}]/g, '_').slice(0, 190)} {row}`;
  const data = templateData(batch, template, values) as NonNullable<JobDocument['data']>;
  const step = {
    engine: template.engine,
    scene: `template:${template.name}@${template.version}`,
    ...(batch.frames === undefined ? {} : { frames: batch.frames }),
    ...(batch.output === undefined ? {} : { output: batch.output }),
    ...(batch.chunk === undefined ? {} : { chunk: batch.chunk }),
    ...(batch.requires === undefined ? {} : { requires: batch.requires }),
    data,
  };
  const head = {
    version: 1 as const,
    id: `${batchId}-${row}`,
    name: rowName(pattern, row, values),
    ...(batch.owner === undefined ? {} : { owner: batch.owner }),
    ...(batch.project === undefined ? {} : { project: batch.project }),
    ...(batch.priority === undefined ? {} : { priority: batch.priority }),
    ...(batch.notBefore === undefined ? {} : { notBefore: batch.notBefore }),
    labels: { ...batch.labels, batch: batchId, row: String(row) },
  };
  if (batch.encode === undefined) return { ...head, ...step };
  const fps = batch.output?.fps ?? template.defaults.output?.fps;
  // A preset of the encoder, or a format in which it is left to choose.
  const format = describeEngine('ffmpeg')?.formatOf?.formats[batch.encode];
  const encode = {
    name: 'encode',
    engine: 'ffmpeg',
    inputs: { frames: { step: SINGLE_STEP } },
    ...(format === undefined ? {} : { settings: { encode: batch.encode } }),
    output: { format: format ?? batch.encode, ...(fps === undefined ? {} : { fps }) },
  };
  return { ...head, steps: [{ name: SINGLE_STEP, ...step }, encode] };
}

/** A row's values without those that only name its job. */
export function templateData(
  batch: BatchDocument,
  template: Selectable<TemplatesTable>,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { properties } = template.schema;
  const known = typeof properties === 'object' && properties !== null ? properties : {};
  const onlyNames = new Set(
    patternColumns(batch.namePattern ?? '').filter((column) => !Object.hasOwn(known, column)),
  );
  return Object.fromEntries(Object.entries(values).filter(([key]) => !onlyNames.has(key)));
}
