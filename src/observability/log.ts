import { pino, type Logger } from 'pino';
import { factsOfError } from './error-facts.ts';

export type { Logger };

/** What the edge writes to: pino has this shape. Fields first, then the sentence. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * JSON lines on standard error, so that what a command prints stays its own. Secrets are never
 * logged: nothing logs headers or variables, and these names are blotted out wherever they stand.
 * Of an error, which is always `err`, nothing of a row is logged either.
 */
export function createLog(level: string): Logger {
  return pino(
    {
      name: 'sluice',
      level,
      serializers: { err: factsOfError },
      redact: {
        paths: ['authorization', '*.authorization', 'secret', '*.secret', 'password', '*.password'],
        censor: '[redacted]',
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
