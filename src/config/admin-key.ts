/** The admin key among the settings: given as it is, or by the file that holds it. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isExampleSecret } from '../core/api-key.ts';
import { LIMITS } from '../core/limits.ts';

export const ADMIN_KEY = z
  .string()
  .min(LIMITS.keptSecretCharsMin, `expects ${LIMITS.keptSecretCharsMin} characters or more`)
  .max(LIMITS.keptSecretCharsMax, `expects ${LIMITS.keptSecretCharsMax} characters or fewer`)
  .refine(key => !isExampleSecret(key), {
    error: 'is an example from a documentation, which everybody knows: choose another',
  });

/** The key in a file, without the line break at its end. */
export function readKeyFile(path: string, context: z.RefinementCtx): string {
  try {
    const { success, data, error } = ADMIN_KEY.safeParse(readFileSync(path, 'utf8').trim());
    if (success) return data;
    const faults = error.issues.map(({ message }) => message).join(', ');
    context.addIssue({ code: 'custom', message: `names a file, but the key in it ${faults}` });
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    context.addIssue({ code: 'custom', message: `expects a file that can be read (${code})` });
  }
  return z.NEVER;
}

/** One of the two is enough. */
export function checkAdminKey(
  { SLUICE_ADMIN_KEY: key, SLUICE_ADMIN_KEY_FILE: file }: Partial<Record<string, unknown>>,
  context: z.RefinementCtx,
): void {
  if (key === undefined || file === undefined) return;
  const message = 'cannot be combined with SLUICE_ADMIN_KEY: set only one of them';
  context.addIssue({ code: 'custom', path: ['SLUICE_ADMIN_KEY_FILE'], message });
}
