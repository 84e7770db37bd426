import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Structured log on stdout; values under names that hold secrets are never written. */
export function createLogger(process: string, level: string): Logger {
  return pino({
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'password',
        'token',
        'secretAccessKey',
        'authorization',
        'cookie',
        '*.password',
        '*.token',
        '*.secretAccessKey',
        '*.authorization',
        '*.cookie',
      ],
      censor: '(redacted)',
    },
  });
}
