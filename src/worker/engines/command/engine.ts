import { isAbsolute } from 'node:path';
import { findOnPath, isProgram } from '../../../shared/programs/find-on-path.ts';
import { ALLOW_COMMAND } from '../../../shared/engines/engine-variables.ts';
import { parseTemplate } from '../../../shared/engines/placeholders.ts';
import { describeValue } from '../../../shared/domain/errors.ts';
import { settingsOf } from '../checked-settings.ts';
import { definedEngine } from '../definition/defined-engine.ts';
import { loadedDefinition } from '../definition/engine-of-definition.ts';
import {
  EngineFailure,
  type Engine,
  type EngineSession,
  type FrameRequest,
  type RenderedFrame,
  type SessionSpec,
} from '../engine.ts';

const STATUS = /^openjd_status:\s*(.*)$/;

/** A program that the job names, on workers that allow it. */
export const commandEngine: Engine = {
  id: 'command',
  get timeouts() {
    return loadedDefinition('command').definition.timeouts;
  },
  reusable: false,
  detect: async () =>
    process.env[ALLOW_COMMAND] === '1' ? { version: '1', features: [], program: process.execPath } : null,
  open: openCommand,
};

async function openCommand(spec: SessionSpec): Promise<EngineSession> {
  // It may have been taken away since the worker looked for engines.
  if (process.env[ALLOW_COMMAND] !== '1')
    throw new EngineFailure('host', `This worker runs no commands; ${ALLOW_COMMAND}=1 allows them.`);
  const { argv } = settingsOf('command', spec.settings) as { argv: string[] };
  const [name = '', ...args] = argv;
  for (const text of args)
    if (!parseTemplate(text))
      throw new EngineFailure(
        'scene',
        `settings.argv: ${describeValue(text)} has a brace that is no placeholder; write {{ or }} for a brace itself.`,
      );
  const loaded = loadedDefinition('command');
  const engine = definedEngine({ ...loaded, definition: { ...loaded.definition, args } });
  const status = new StatusLines(spec.log);
  const program = programCalled(name);
  const detected = { ...spec.detected, program };
  const session = await engine.open({ ...spec, detected, log: (line) => status.read(line) });
  return {
    render: (request) => status.render(session, request),
    close: () => session.close(),
    memoryBytes: () => session.memoryBytes(),
  };
}

/** @throws EngineFailure `host`: another worker may have it */
function programCalled(name: string): string {
  const path = isAbsolute(name) ? name : name.includes('/') ? undefined : findOnPath(name);
  if (path !== undefined && isProgram(path)) return path;
  throw new EngineFailure(
    'host',
    `settings.argv[0] is ${describeValue(name)}: this worker has no such program; expected a name on its PATH or an absolute path.`,
  );
}

/** Shows `openjd_status: …` lines beside the frame's progress. */
class StatusLines {
  readonly #log: (line: string) => void;
  #request: FrameRequest | null = null;
  #status: string | undefined;
  #fraction = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  read(line: string): void {
    this.#log(line);
    const status = STATUS.exec(line)?.[1];
    if (status === undefined) return;
    this.#status = status;
    this.#request?.progress(this.#fraction, status);
  }

  async render(session: EngineSession, request: FrameRequest): Promise<RenderedFrame> {
    this.#request = request;
    this.#fraction = 0;
    this.#status = undefined;
    const progress = (fraction: number): void => {
      this.#fraction = fraction;
      request.progress(fraction, this.#status);
    };
    try {
      return await session.render({ ...request, progress });
    } finally {
      this.#request = null;
    }
  }
}
