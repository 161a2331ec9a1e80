/**
 * Settings from the environment: the only place that reads it. All faults are reported at once,
 * each with the variable, what it takes and what came (a secret's value is never repeated).
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ORDER_EXPECTED, readOrderSetting, type OrderSetting } from './core/agent-order.ts';
import { isExampleSecret } from './core/api-key.ts';
import { CONNECTIONS_MIN } from './core/connection-shares.ts';
import { LIMITS } from './core/limits.ts';

/** Of this gateway, as its package says: MAJOR.MINOR.PATCH. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;

/** The admin key among the settings: given as it is, or by the file that holds it. */
const ADMIN_KEY = z
  .string()
  .min(LIMITS.keptSecretCharsMin, `expects ${LIMITS.keptSecretCharsMin} characters or more`)
  .max(LIMITS.keptSecretCharsMax, `expects ${LIMITS.keptSecretCharsMax} characters or fewer`)
  .refine(key => !isExampleSecret(key), {
    error: 'is an example from a documentation, which everybody knows: choose another',
  });

/** The seed of an Ed25519 key, as "openssl rand -base64 32" makes one. */
const EVIDENCE_KEY = z.string().transform((text, context) => {
  const seed = Buffer.from(text, 'base64');
  if (seed.length === 32 && seed.toString('base64') === text) return seed;
  context.addIssue({ code: 'custom', message: 'expects 32 bytes in base64, 44 characters' });
  return z.NEVER;
});

/** The key in a file, without the line break at its end. */
function readKey(text: string, context: z.RefinementCtx): string {
  const { success, data, error } = ADMIN_KEY.safeParse(text.trim());
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

/** One of the two is enough. */
function checkAdminKey(
  { SLUICE_ADMIN_KEY: key, SLUICE_ADMIN_KEY_FILE: file }: Partial<Record<string, unknown>>,
  context: z.RefinementCtx,
): void {
  if (key === undefined || file === undefined) return;
  const message = 'cannot be combined with SLUICE_ADMIN_KEY: set only one of them';
  context.addIssue({ code: 'custom', path: ['SLUICE_ADMIN_KEY_FILE'], message });
}

export interface Setting {
  readonly description: string;
  readonly byDefault: string;
}

const whole = (min: number, max: number) =>
  z.coerce
    .number({ error: `expects a whole number from ${min} to ${max}` })
    .int(`expects a whole number from ${min} to ${max}`)
    .min(min, `expects a whole number from ${min} to ${max}`)
    .max(max, `expects a whole number from ${min} to ${max}`);
const flag = z
  .enum(['true', 'false'], { error: 'expects true or false' })
  .transform(v => v === 'true');
const list = z
  .string()
  .default('')
  .transform(text =>
    text
      .split(',')
      .map(item => item.trim())
      .filter(item => item !== ''),
  );
/** As a browser writes them; a slash at the end and capital letters are no difference. */
const origins = list.transform((texts, context) =>
  texts.map(text => {
    const origin = readOrigin(text);
    if (origin !== null) return origin;
    const message =
      'expects origins, each a scheme and a host and at most a port, such as https://app.example';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }),
);
const natsServers = list.transform((texts, context) => {
  const isServer = (text: string) => /^(nats|tls):\/\/[^/]+\/?$/.test(text) && URL.canParse(text);
  if (texts.every(isServer)) return texts;
  const message = 'expects servers such as nats://user:password@host:4222, separated by commas';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** At once, then as https://github.com/standard-webhooks/standard-webhooks proposes. */
const RETRY_SECONDS = '5,300,1800,7200,18000,36000,36000';
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const VARIABLES = {
  PORT: whole(0, 65_535).default(4_000).describe('Port to listen on. 0 chooses a free port.'),
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address to listen on. 0.0.0.0 means all addresses.'),
  DATABASE_URL: z
    .url({
      protocol: /^postgres(ql)?$/,
      error: 'expects postgres://user:password@host:port/database',
    })
    .optional()
    .describe('Postgres 15 or later to use instead of the embedded one.'),
  SLUICE_DATA_DIR: z
    .string()
    .default('.sluice')
    .describe('Folder of the embedded Postgres and the first admin key.'),
  SLUICE_ADMIN_KEY: ADMIN_KEY.optional().describe(
    'An admin key of your choice. A new value revokes the previous key. By default the first start makes one.',
  ),
  SLUICE_ADMIN_KEY_FILE: z
    .string()
    .transform(readFileSetting)
    .pipe(z.string().transform(readKey))
    .optional()
    .describe('A file that holds the admin key, instead of SLUICE_ADMIN_KEY.'),
  SLUICE_EVIDENCE_KEY: EVIDENCE_KEY.optional().describe(
    'The Ed25519 key that signs checkpoints: 32 random bytes in base64. By default the first start makes one and keeps it in the database.',
  ),
  SLUICE_KEY_AGE_DAYS_MAX: whole(0, 36_500)
    .default(0)
    .describe('Maximum lifetime of new keys in days. 0 means no maximum.'),
  SLUICE_ALLOW_WEAK_KEYS: flag
    .default(false)
    .describe('Whether createApiKey accepts your own credentials with fewer than 16 characters.'),
  SLUICE_CORS_ORIGINS: origins.describe(
    'Origins whose web pages may call the API, separated by commas.',
  ),
  SLUICE_ALLOWED_HOSTS: list.describe(
    'Host names that the gateway accepts, separated by commas. * means any.',
  ),
  SLUICE_OPEN_INTROSPECTION: flag
    .default(false)
    .describe('Whether callers without a key may read the schema.'),
  SLUICE_FEDERATION: flag
    .default(false)
    .describe('Whether the GraphQL API is a subgraph of Apollo Federation as well.'),
  SLUICE_BODY_BYTES_MAX: whole(1_024, 104_857_600)
    .default(LIMITS.bodyBytesMax)
    .describe('Maximum bytes of a request body.'),
  SLUICE_QUERY_DEPTH_MAX: whole(1, 100)
    .default(LIMITS.queryDepthMax)
    .describe('Maximum depth of nested fields in an operation.'),
  SLUICE_QUERY_TOKENS_MAX: whole(100, 100_000)
    .default(LIMITS.documentTokensMax)
    .describe('Maximum tokens of a GraphQL document.'),
  SLUICE_QUERY_ALIASES_MAX: whole(0, 1_000)
    .default(LIMITS.aliasesMax)
    .describe('Maximum aliases in a GraphQL document.'),
  SLUICE_QUERY_DIRECTIVES_MAX: whole(0, 1_000)
    .default(LIMITS.directivesMax)
    .describe('Maximum directives in a GraphQL document.'),
  SLUICE_QUERY_ROOT_FIELDS_MAX: whole(1, 1_000)
    .default(LIMITS.rootFieldsMax)
    .describe('Maximum root fields of an operation.'),
  SLUICE_QUERY_COST_MAX: whole(1_000, 100_000_000)
    .default(LIMITS.queryCostMax)
    .describe('Maximum values in the answer to an operation, if every page is full.'),
  SLUICE_ANSWER_BYTES_MAX: whole(65_536, 536_870_912)
    .default(LIMITS.answerBytesMax)
    .describe('Maximum bytes of an answer, and of what a statement reads for it.'),
  SLUICE_READ_TIMEOUT_MS: whole(100, 600_000)
    .default(3_000)
    .describe('Time limit of a read statement. A slower one gets QUERY_TOO_EXPENSIVE.'),
  SLUICE_CONNECTIONS_MAX: whole(CONNECTIONS_MIN, 1_000)
    .default(32)
    .describe(
      'Maximum connections to Postgres that one gateway holds. docs/scaling.md lists the shares.',
    ),
  SLUICE_NATS_URL: natsServers.describe(
    'NATS servers that gateways on the same database tell each other of new events through, separated by commas. By default they use Postgres.',
  ),
  SLUICE_NATS_CREDENTIALS_FILE: z
    .string()
    .transform(readFileSetting)
    .optional()
    .describe('A .creds file with the JWT and the seed of the NATS user.'),
  SLUICE_TRUSTED_DOCUMENTS: z
    .string()
    .optional()
    .describe('A JSON file of GraphQL documents by id. If set, no other documents are executed.'),
  SLUICE_KEY_REQUESTS_PER_SECOND: whole(0, 1_000_000)
    .default(0)
    .describe('Requests per second of one key, averaged over ten seconds. 0 means no limit.'),
  SLUICE_KEY_EVENTS_PER_SECOND: whole(0, 10_000_000)
    .default(0)
    .describe(
      'Events per second that one key may record, averaged over ten seconds. 0 means no limit.',
    ),
  SLUICE_ADDRESS_REQUESTS_PER_SECOND: whole(0, 1_000_000)
    .default(0)
    .describe('Requests per second from one address, averaged over ten seconds. 0 means no limit.'),
  SLUICE_WRONG_KEYS_PER_MINUTE: whole(1, 1_000_000)
    .default(100)
    .describe(
      'Wrong keys per minute from one address. Beyond that, only keys that it used recently are checked.',
    ),
  SLUICE_TRUST_PROXY: whole(0, 10)
    .default(0)
    .describe(
      'Number of your own proxies in front of the gateway. Their X-Forwarded-For and X-Forwarded-Proto are trusted.',
    ),
  SLUICE_WORK_REQUESTS_MAX: whole(1, 100_000)
    .default(LIMITS.workRequestsMax)
    .describe('Maximum requests in work at once. Others wait for a second, then get OVERLOADED.'),
  SLUICE_WORK_BYTES_MAX: whole(1_048_576, 17_179_869_184)
    .default(LIMITS.workBytesMax)
    .describe('Maximum bytes held for requests in work. Requests that need more get OVERLOADED.'),
  SLUICE_STREAMS_MAX: whole(1, 100_000)
    .default(10_000)
    .describe('Maximum live streams and downloads open at once in one process.'),
  SLUICE_STREAMS_PER_KEY_MAX: whole(1, 100_000)
    .default(1_000)
    .describe('Maximum live streams and downloads of one key open at once in one process.'),
  SLUICE_LOGSH_EVENTS_PER_SECOND: whole(1, 1_000_000)
    .default(1_000)
    .describe('Events per second that one key may send to the Logsh door.'),
  SLUICE_LOGSPACE_ORDER: z
    .string()
    .transform((json, context) => {
      const order = readOrderSetting(json);
      if (order === null) context.addIssue({ code: 'custom', message: ORDER_EXPECTED });
      return order ?? z.NEVER;
    })
    .optional()
    .describe('The order for Logspace agents, in JSON. By default all agents run every minute.'),
  SLUICE_WEBHOOK_PRIVATE_NETWORKS: flag
    .default(false)
    .describe(
      'Whether webhooks may be sent to private and local addresses, and without TLS. Only where all who make webhooks are trusted.',
    ),
  SLUICE_WEBHOOK_RETRY_SECONDS: z
    .string()
    .default(RETRY_SECONDS)
    .transform((text, context) => {
      const seconds = text.split(',').map(item => Number(item.trim() === '' ? NaN : item));
      const isFine = seconds.every(each => each >= 0 && each <= LIMITS.retryDelaySecondsMax);
      if (isFine && seconds.length <= LIMITS.attemptsMax) return seconds;
      const message = `expects 1 to ${LIMITS.attemptsMax} numbers of seconds, separated by commas, each at most ${LIMITS.retryDelaySecondsMax}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .describe(
      'Seconds between the attempts of a webhook to deliver an event. The last one counts for all that follow.',
    ),
  SLUICE_PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'expects a URL such as https://events.example.com' })
    .optional()
    .describe('Address of the console for people. Notifications link to it.'),
  SLUICE_SMTP_URL: z
    .url({ protocol: /^smtps?$/, error: 'expects smtp://user:password@host:port, or smtps://' })
    .optional()
    .describe(
      'Mail server for notifications: smtp://user:password@host:587, or smtps:// for TLS from the start. Without it there is no email.',
    ),
  SLUICE_SMTP_FROM: z
    .string()
    .regex(/^(?:[^<>\p{Cc}]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/u, {
      error: 'expects an address such as sluice@example.com or Sluice <sluice@example.com>',
    })
    .optional()
    .describe('Sender of emails. By default sluice@ and the host of SLUICE_PUBLIC_URL.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'expects http://host:port' })
    .optional()
    .describe(
      'Address that traces are sent to, by OTLP over HTTP. Without it nothing is traced. The other OTEL_ variables work too.',
    ),
  LOG_LEVEL: z
    .enum(LEVELS, { error: `expects one of ${LEVELS.join(', ')}` })
    .default('info')
    .describe('Lowest level that is logged.'),
} as const;

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Null: the embedded Postgres. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly adminKey: string | null;
  /** Seed of the key that signs checkpoints. Null: the database has it. */
  readonly evidenceKey: Buffer | null;
  /** 0: no limit. */
  readonly keyAgeDaysMax: number;
  readonly allowWeakKeys: boolean;
  readonly corsOrigins: readonly string[];
  /** Empty: what holds is decided by `host` and `trustedProxies`. */
  readonly allowedHosts: readonly string[];
  readonly openIntrospection: boolean;
  readonly federation: boolean;
  readonly bodyBytesMax: number;
  readonly queryDepthMax: number;
  readonly queryTokensMax: number;
  readonly queryAliasesMax: number;
  readonly queryDirectivesMax: number;
  readonly queryRootFieldsMax: number;
  readonly queryCostMax: number;
  readonly answerBytesMax: number;
  readonly readTimeoutMs: number;
  readonly connectionsMax: number;
  /** Empty: gateways hear of each other through Postgres. */
  readonly natsServers: readonly string[];
  /** What the file holds. */
  readonly natsCredentials: string | null;
  /** Path of the file; null: every document is executed. */
  readonly trustedDocuments: string | null;
  readonly keyRequestsPerSecond: number;
  readonly keyEventsPerSecond: number;
  readonly addressRequestsPerSecond: number;
  readonly wrongKeysPerMinute: number;
  readonly trustedProxies: number;
  readonly workRequestsMax: number;
  readonly workBytesMax: number;
  readonly streamsMax: number;
  readonly streamsPerKeyMax: number;
  readonly logshEventsPerSecond: number;
  /** Null: every agent runs each minute. */
  readonly logspaceOrder: OrderSetting | null;
  readonly webhookPrivateNetworks: boolean;
  /** After the first attempt, the second and so on; the last for all that follow. */
  readonly webhookRetryDelaysMs: readonly number[];
  /** Of the console, without a slash at its end; null: not known. */
  readonly publicUrl: string | null;
  /** Null: there is no mail server. */
  readonly smtpUrl: string | null;
  /** Null: made of what else is known. */
  readonly smtpFrom: string | null;
  /** Whether spans are sent, where the environment says. */
  readonly traces: boolean;
  readonly logLevel: (typeof LEVELS)[number];
}

/** What docs/settings.md says of each variable. */
export const SETTINGS: Readonly<Record<string, Setting>> = Object.fromEntries(
  Object.entries(VARIABLES).map(([name, schema]) => {
    const byDefault = schema.safeParse(undefined).data;
    return [name, { description: schema.description ?? '', byDefault: String(byDefault ?? '') }];
  }),
);

/** Their values are never repeated. */
const SECRETS: ReadonlySet<string> = new Set([
  'SLUICE_ADMIN_KEY',
  'SLUICE_EVIDENCE_KEY',
  'SLUICE_NATS_URL',
  'SLUICE_SMTP_URL',
  'DATABASE_URL',
]);

/** Every setting that is wrong, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** @throws ConfigError naming every fault. An empty variable counts as absent. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.keys(VARIABLES).map(name => [
      name,
      environment[name] === '' ? undefined : environment[name],
    ]),
  );
  const { success, data, error } = z.object(VARIABLES).superRefine(checkAdminKey).safeParse(given);
  if (!success) {
    const faults = error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      const isSecret = SECRETS.has(name);
      return `${name} ${message}${isSecret ? '' : `, but is "${given[name]}"`}`;
    });
    throw new ConfigError(`The settings are not usable:\n${faults.map(f => `  ${f}`).join('\n')}`);
  }
  return Object.freeze({
    port: data.PORT,
    host: data.HOST,
    databaseUrl: data.DATABASE_URL ?? null,
    dataDir: data.SLUICE_DATA_DIR,
    adminKey: data.SLUICE_ADMIN_KEY ?? data.SLUICE_ADMIN_KEY_FILE ?? null,
    evidenceKey: data.SLUICE_EVIDENCE_KEY ?? null,
    keyAgeDaysMax: data.SLUICE_KEY_AGE_DAYS_MAX,
    allowWeakKeys: data.SLUICE_ALLOW_WEAK_KEYS,
    corsOrigins: data.SLUICE_CORS_ORIGINS,
    allowedHosts: data.SLUICE_ALLOWED_HOSTS,
    openIntrospection: data.SLUICE_OPEN_INTROSPECTION,
    federation: data.SLUICE_FEDERATION,
    bodyBytesMax: data.SLUICE_BODY_BYTES_MAX,
    queryDepthMax: data.SLUICE_QUERY_DEPTH_MAX,
    queryTokensMax: data.SLUICE_QUERY_TOKENS_MAX,
    queryAliasesMax: data.SLUICE_QUERY_ALIASES_MAX,
    queryDirectivesMax: data.SLUICE_QUERY_DIRECTIVES_MAX,
    queryRootFieldsMax: data.SLUICE_QUERY_ROOT_FIELDS_MAX,
    queryCostMax: data.SLUICE_QUERY_COST_MAX,
    answerBytesMax: data.SLUICE_ANSWER_BYTES_MAX,
    readTimeoutMs: data.SLUICE_READ_TIMEOUT_MS,
    connectionsMax: data.SLUICE_CONNECTIONS_MAX,
    natsServers: data.SLUICE_NATS_URL,
    natsCredentials: data.SLUICE_NATS_CREDENTIALS_FILE ?? null,
    trustedDocuments: data.SLUICE_TRUSTED_DOCUMENTS ?? null,
    keyRequestsPerSecond: data.SLUICE_KEY_REQUESTS_PER_SECOND,
    keyEventsPerSecond: data.SLUICE_KEY_EVENTS_PER_SECOND,
    addressRequestsPerSecond: data.SLUICE_ADDRESS_REQUESTS_PER_SECOND,
    wrongKeysPerMinute: data.SLUICE_WRONG_KEYS_PER_MINUTE,
    trustedProxies: data.SLUICE_TRUST_PROXY,
    workRequestsMax: data.SLUICE_WORK_REQUESTS_MAX,
    workBytesMax: data.SLUICE_WORK_BYTES_MAX,
    streamsMax: data.SLUICE_STREAMS_MAX,
    streamsPerKeyMax: data.SLUICE_STREAMS_PER_KEY_MAX,
    logshEventsPerSecond: data.SLUICE_LOGSH_EVENTS_PER_SECOND,
    logspaceOrder: data.SLUICE_LOGSPACE_ORDER ?? null,
    webhookPrivateNetworks: data.SLUICE_WEBHOOK_PRIVATE_NETWORKS,
    webhookRetryDelaysMs: data.SLUICE_WEBHOOK_RETRY_SECONDS.map(seconds => seconds * 1_000),
    publicUrl: data.SLUICE_PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    smtpUrl: data.SLUICE_SMTP_URL ?? null,
    smtpFrom: data.SLUICE_SMTP_FROM ?? null,
    traces: data.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
    logLevel: data.LOG_LEVEL,
  });
}

/**
 * The origin that somebody means, as browsers write it. Null where it is none: a path, a wildcard or
 * a name without a scheme would never equal what a browser sends.
 */
function readOrigin(text: string): string | null {
  if (!/^[a-z][a-z\d+.-]*:\/\/[^/?#@*\s]+\/?$/i.test(text) || !URL.canParse(text)) return null;
  const { protocol, host } = new URL(text);
  return host === '' ? null : `${protocol}//${host}`;
}
