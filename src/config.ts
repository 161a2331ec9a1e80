/**
 * Settings from the environment: the only place that reads it. All faults are reported at once,
 * each with the variable, what it takes and what came (a secret's value is never repeated).
 */
import { z } from 'zod';
import { ADMIN_KEY, checkAdminKey, readKeyFile } from './config/admin-key.ts';
import { ORDER_EXPECTED, readOrderSetting, type OrderSetting } from './core/agent-order.ts';
import { CONNECTIONS_MIN } from './core/connections.ts';
import { LIMITS } from './core/limits.ts';

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
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const VARIABLES = {
  PORT: whole(0, 65_535).default(4_000).describe('Port of the gateway; 0 takes a free one.'),
  HOST: z.string().default('127.0.0.1').describe('Address to listen on; 0.0.0.0 for all.'),
  DATABASE_URL: z
    .url({
      protocol: /^postgres(ql)?$/,
      error: 'expects postgres://user:password@host:port/database',
    })
    .optional()
    .describe('A Postgres 15 or later to use in place of the embedded one.'),
  SLUICE_DATA_DIR: z
    .string()
    .default('.sluice')
    .describe('Where the embedded Postgres and the first admin key are kept.'),
  SLUICE_ADMIN_KEY: ADMIN_KEY.optional().describe(
    'An admin key of your own; the next value revokes it. Without it one is made at the first start.',
  ),
  SLUICE_ADMIN_KEY_FILE: z
    .string()
    .transform(readKeyFile)
    .optional()
    .describe('A file that holds the admin key, in place of SLUICE_ADMIN_KEY.'),
  SLUICE_KEY_AGE_DAYS_MAX: whole(0, 36_500)
    .default(0)
    .describe('Days after which a key made from now on ends at the latest; 0 for no end.'),
  SLUICE_ALLOW_WEAK_KEYS: flag
    .default(false)
    .describe('Whether createApiKey keeps credentials of fewer than 16 characters.'),
  SLUICE_CORS_ORIGINS: list.describe('Origins, separated by commas, whose pages may call the API.'),
  SLUICE_ALLOWED_HOSTS: list.describe(
    'Names, separated by commas, that callers use for the gateway; * for any.',
  ),
  SLUICE_OPEN_INTROSPECTION: flag
    .default(false)
    .describe('Whether callers without a key may read the schema.'),
  SLUICE_BODY_BYTES_MAX: whole(1_024, 104_857_600)
    .default(LIMITS.bodyBytesMax)
    .describe('Bytes of one request body.'),
  SLUICE_QUERY_DEPTH_MAX: whole(1, 100)
    .default(LIMITS.queryDepthMax)
    .describe('Levels of fields within each other in one operation.'),
  SLUICE_QUERY_TOKENS_MAX: whole(100, 100_000)
    .default(LIMITS.documentTokensMax)
    .describe('Tokens of one GraphQL document.'),
  SLUICE_QUERY_ALIASES_MAX: whole(0, 1_000)
    .default(LIMITS.aliasesMax)
    .describe('Aliases in one GraphQL document.'),
  SLUICE_QUERY_DIRECTIVES_MAX: whole(0, 1_000)
    .default(LIMITS.directivesMax)
    .describe('Directives in one GraphQL document.'),
  SLUICE_QUERY_ROOT_FIELDS_MAX: whole(1, 1_000)
    .default(LIMITS.rootFieldsMax)
    .describe('Fields at the root of one operation.'),
  SLUICE_QUERY_COST_MAX: whole(1_000, 100_000_000)
    .default(LIMITS.queryCostMax)
    .describe('Values that the answer to one operation may have, every page full.'),
  SLUICE_ANSWER_BYTES_MAX: whole(65_536, 536_870_912)
    .default(LIMITS.answerBytesMax)
    .describe('Bytes of one answer, and of what one statement reads for it.'),
  SLUICE_READ_TIMEOUT_MS: whole(100, 600_000)
    .default(3_000)
    .describe('Time for one reading statement; what takes longer gets QUERY_TOO_EXPENSIVE.'),
  SLUICE_CONNECTIONS_MAX: whole(CONNECTIONS_MIN, 1_000)
    .default(32)
    .describe(
      'Connections to Postgres that one gateway holds at most; docs/scaling.md has the shares.',
    ),
  SLUICE_TRUSTED_DOCUMENTS: z
    .string()
    .optional()
    .describe('A JSON file of GraphQL documents by id; then no others are executed.'),
  SLUICE_KEY_REQUESTS_PER_SECOND: whole(0, 1_000_000)
    .default(0)
    .describe('Requests of one key in a second, over ten seconds; 0 for no limit.'),
  SLUICE_KEY_EVENTS_PER_SECOND: whole(0, 10_000_000)
    .default(0)
    .describe('Events that one key may record in a second, over ten seconds; 0 for no limit.'),
  SLUICE_ADDRESS_REQUESTS_PER_SECOND: whole(0, 1_000_000)
    .default(0)
    .describe('Requests from one address in a second, over ten seconds; 0 for no limit.'),
  SLUICE_WRONG_KEYS_PER_MINUTE: whole(1, 1_000_000)
    .default(100)
    .describe('Wrong keys from one address in a minute; then all it has not used lately wait.'),
  SLUICE_TRUST_PROXY: whole(0, 10)
    .default(0)
    .describe('Proxies of yours before the gateway, whose X-Forwarded-For tells the address.'),
  SLUICE_WORK_REQUESTS_MAX: whole(1, 100_000)
    .default(LIMITS.workRequestsMax)
    .describe('Requests in work at once; the others wait a second, then get OVERLOADED.'),
  SLUICE_WORK_BYTES_MAX: whole(1_048_576, 17_179_869_184)
    .default(LIMITS.workBytesMax)
    .describe('Bytes held for requests in work; what needs more gets OVERLOADED.'),
  SLUICE_STREAMS_MAX: whole(1, 100_000)
    .default(10_000)
    .describe('Live streams and downloads that may be open at once in one process.'),
  SLUICE_STREAMS_PER_KEY_MAX: whole(1, 100_000)
    .default(1_000)
    .describe('Live streams and downloads of one key that may be open at once in one process.'),
  SLUICE_LOGSH_EVENTS_PER_SECOND: whole(1, 1_000_000)
    .default(1_000)
    .describe('Events that one key may send to the Logsh door in a second.'),
  SLUICE_LOGSPACE_ORDER: z
    .string()
    .transform((json, context) => {
      const order = readOrderSetting(json);
      if (order === null) context.addIssue({ code: 'custom', message: ORDER_EXPECTED });
      return order ?? z.NEVER;
    })
    .optional()
    .describe('The order that Logspace agents get, in JSON; without it all run each minute.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'expects http://host:port' })
    .optional()
    .describe(
      'Where traces go, by OTLP over HTTP; without it none. The other OTEL_ variables hold too.',
    ),
  LOG_LEVEL: z
    .enum(LEVELS, { error: `expects one of ${LEVELS.join(', ')}` })
    .default('info')
    .describe('The least level that is logged.'),
} as const;

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Null: the embedded Postgres. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly adminKey: string | null;
  /** 0: no limit. */
  readonly keyAgeDaysMax: number;
  readonly allowWeakKeys: boolean;
  readonly corsOrigins: readonly string[];
  /** Empty: what holds is decided by `host` and `trustedProxies`. */
  readonly allowedHosts: readonly string[];
  readonly openIntrospection: boolean;
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
  /** Whether spans are sent, where the environment says. */
  readonly traces: boolean;
  readonly logLevel: (typeof LEVELS)[number];
}

/** What the README says of each variable. */
export const SETTINGS: Readonly<Record<string, Setting>> = Object.fromEntries(
  Object.entries(VARIABLES).map(([name, schema]) => {
    const byDefault = schema.safeParse(undefined).data;
    return [name, { description: schema.description ?? '', byDefault: String(byDefault ?? '') }];
  }),
);

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
      const isSecret = name === 'SLUICE_ADMIN_KEY' || name === 'DATABASE_URL';
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
    keyAgeDaysMax: data.SLUICE_KEY_AGE_DAYS_MAX,
    allowWeakKeys: data.SLUICE_ALLOW_WEAK_KEYS,
    corsOrigins: data.SLUICE_CORS_ORIGINS,
    allowedHosts: data.SLUICE_ALLOWED_HOSTS,
    openIntrospection: data.SLUICE_OPEN_INTROSPECTION,
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
    traces: data.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
    logLevel: data.LOG_LEVEL,
  });
}
