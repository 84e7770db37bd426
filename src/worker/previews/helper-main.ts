/** The process that makes previews: it decodes and draws at the lowest priority, so that the worker and its engines do not. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { messageOf } from '../../shared/domain/errors.ts';
import type { HelperReply, HelperRequest } from './helper-requests.ts';
import { shrinkPicture } from './shrink-picture.ts';
import { writeSheet, writeSlate } from './write-texts.ts';

const REPLIES = 3;

// Names of files come again with other pictures in them.
sharp.cache(false);
sharp.concurrency(1);

async function answer(request: HelperRequest): Promise<HelperReply> {
  try {
    switch (request.do) {
      case 'shrink':
        return await shrinkPicture(request);
      case 'slate':
        return await writeSlate(request);
      case 'sheet':
        return await writeSheet(request);
    }
  } catch (error) {
    return { error: messageOf(error) };
  }
}

for await (const line of createInterface({ input: process.stdin }))
  writeSync(REPLIES, `${JSON.stringify(await answer(JSON.parse(line) as HelperRequest))}\n`);
