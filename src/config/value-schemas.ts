/** How texts of the environment become the values of settings. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isExampleSecret } from '../core/api-key.ts';
import { LIMITS } from '../core/limits.ts';

/** Null where the variable is not set. */
export const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullable().default(null);

/** The admin key among the settings: given as it is, or by the file that holds it. */
export const adminKey = z
  .string()
  .min(LIMITS.keptSecretCharsMin, `expects ${LIMITS.keptSecretCharsMin} characters or more`)
  .max(LIMITS.keptSecretCharsMax, `expects ${LIMITS.keptSecretCharsMax} characters or fewer`)
  .refine(key => !isExampleSecret(key), {
    error: 'is an example from documentation, so everybody knows it: choose another',
  });

/** The seed of an Ed25519 key, as "openssl rand -base64 32" makes one. */
export const evidenceKey = z.string().transform((text, context) => {
  const seed = Buffer.from(text, 'base64');
  if (seed.length === 32 && seed.toString('base64') === text) return seed;
  context.addIssue({ code: 'custom', message: 'expects 32 bytes in base64, 44 characters' });
  return z.NEVER;
});

export const postgresUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'expects postgres://user:password@host:port/database',
});

/** The key in a file, without the line break at its end. */
function readKey(text: string, context: z.RefinementCtx): string {
  const { success, data, error } = adminKey.safeParse(text.trim());
  if (success) return data;
  const faults = error.issues.map(({ message }) => message).join(', ');
  context.addIssue({ code: 'custom', message: `names a file, but the key in it ${faults}` });
  return z.NEVER;
}

function readFileSetting(path: string, context: z.RefinementCtx): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    context.addIssue({ code: 'custom', message: `expects a file that can be read (${code})` });
    return z.NEVER;
  }
}

export const fileContent = z.string().transform(readFileSetting);
export const keyInFile = fileContent.pipe(z.string().transform(readKey));

export const whole = (min: number, max: number) =>
  z.coerce
    .number({ error: `expects a whole number from ${min} to ${max}` })
    .int(`expects a whole number from ${min} to ${max}`)
    .min(min, `expects a whole number from ${min} to ${max}`)
    .max(max, `expects a whole number from ${min} to ${max}`);
export const flag = z
  .enum(['true', 'false'], { error: 'expects true or false' })
  .transform(v => v === 'true');
export const list = z
  .string()
  .default('')
  .transform((text): readonly string[] =>
    text
      .split(',')
      .map(item => item.trim())
      .filter(item => item !== ''),
  );
/** As a browser writes them; a slash at the end and capital letters are no difference. */
export const origins = list.transform((texts, context) =>
  texts.map(text => {
    const origin = readOrigin(text);
    if (origin !== null) return origin;
    const message =
      'expects origins, each a scheme and a host and at most a port, such as https://app.example';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }),
);
export const natsServers = list.transform((texts, context) => {
  const isServer = (text: string) => /^(nats|tls):\/\/[^/]+\/?$/.test(text) && URL.canParse(text);
  if (texts.every(isServer)) return texts;
  const message = 'expects servers such as nats://user:password@host:4222, separated by commas';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/**
 * The origin that somebody means, as browsers write it. Null where it is none: a path, a wildcard or
 * a name without a scheme would never equal what a browser sends.
 */
function readOrigin(text: string): string | null {
  if (!/^[a-z][a-z\d+.-]*:\/\/[^/?#@*\s]+\/?$/i.test(text) || !URL.canParse(text)) return null;
  const { protocol, host } = new URL(text);
  return host === '' ? null : `${protocol}//${host}`;
}
