import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * JSON lines on standard error, so that what a command prints stays its own. Secrets are never
 * logged: nothing logs headers or variables, and these names are blotted out wherever they stand.
 */
export function createLog(level: string): Logger {
  return pino(
    {
      name: 'sluice',
      level,
      redact: {
        paths: ['authorization', '*.authorization', 'secret', '*.secret', 'password', '*.password'],
        censor: '[redacted]',
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
