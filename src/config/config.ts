/**
 * Settings from the environment: the only place that reads it. All faults are reported at once,
 * each with the variable, what it takes and what came (a secret's value is never repeated).
 */
import { z } from 'zod';
import { ORDER_EXPECTED, readOrderSetting } from '../core/agent-order.ts';
import { CONNECTIONS_MIN, CONNECTIONS_WITH_STANDBY_MIN } from '../core/connection-shares.ts';
import { LIMITS } from '../core/limits.ts';
import {
  adminKey,
  evidenceKey,
  fileContent,
  flag,
  keyInFile,
  list,
  natsServers,
  optional,
  origins,
  postgresUrl,
  whole,
} from './value-schemas.ts';

export interface Setting {
  readonly description: string;
  readonly byDefault: string;
}

/** A variable of the environment, and how its text is read. Undefined: the default. */
const variable = <Schema extends z.ZodType>(name: string, schema: Schema, description: string) => ({
  name,
  schema,
  description,
});

/** At once, then as https://github.com/standard-webhooks/standard-webhooks proposes. */
const RETRY_SECONDS = '5,300,1800,7200,18000,36000,36000';
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const VARIABLES = {
  port: variable(
    'PORT',
    whole(0, 65_535).default(4_000),
    'Port to listen on. 0 chooses a free port.',
  ),
  host: variable(
    'HOST',
    z.string().default('127.0.0.1'),
    'Address to listen on. 0.0.0.0 means all addresses.',
  ),
  databaseUrl: variable(
    'DATABASE_URL',
    optional(postgresUrl),
    'Postgres 15 or later to use instead of the embedded one.',
  ),
  databaseReadUrl: variable(
    'DATABASE_READ_URL',
    optional(postgresUrl),
    'A hot standby of it, which pages, counts and aggregates are read from as far as it has replayed.',
  ),
  dataDir: variable(
    'SLUICE_DATA_DIR',
    z.string().default('.sluice'),
    'Folder of the embedded Postgres and the first admin key.',
  ),
  adminKey: variable(
    'SLUICE_ADMIN_KEY',
    optional(adminKey),
    'An admin key of your choice. A new value revokes the previous key. By default the first start makes one.',
  ),
  adminKeyFile: variable(
    'SLUICE_ADMIN_KEY_FILE',
    optional(keyInFile),
    'A file that holds the admin key, instead of SLUICE_ADMIN_KEY.',
  ),
  evidenceKey: variable(
    'SLUICE_EVIDENCE_KEY',
    optional(evidenceKey),
    'The Ed25519 key that signs checkpoints: 32 random bytes in base64. By default the first start makes one and keeps it in the database.',
  ),
  keyAgeDaysMax: variable(
    'SLUICE_KEY_AGE_DAYS_MAX',
    whole(0, 36_500).default(0),
    'Maximum lifetime of new keys in days. 0 means no maximum.',
  ),
  allowWeakKeys: variable(
    'SLUICE_ALLOW_WEAK_KEYS',
    flag.default(false),
    'Whether createApiKey accepts your own credentials with fewer than 16 characters.',
  ),
  corsOrigins: variable(
    'SLUICE_CORS_ORIGINS',
    origins,
    'Origins whose web pages may call the API, separated by commas.',
  ),
  allowedHosts: variable(
    'SLUICE_ALLOWED_HOSTS',
    list,
    'Host names that the gateway accepts, separated by commas. * means any.',
  ),
  openIntrospection: variable(
    'SLUICE_OPEN_INTROSPECTION',
    flag.default(false),
    'Whether callers without a key may read the schema.',
  ),
  federation: variable(
    'SLUICE_FEDERATION',
    flag.default(false),
    'Whether the GraphQL API is a subgraph of Apollo Federation as well.',
  ),
  bodyBytesMax: variable(
    'SLUICE_BODY_BYTES_MAX',
    whole(1_024, 104_857_600).default(LIMITS.bodyBytesMax),
    'Maximum bytes of a request body.',
  ),
  queryDepthMax: variable(
    'SLUICE_QUERY_DEPTH_MAX',
    whole(1, 100).default(LIMITS.queryDepthMax),
    'Maximum depth of nested fields in an operation.',
  ),
  queryTokensMax: variable(
    'SLUICE_QUERY_TOKENS_MAX',
    whole(100, 100_000).default(LIMITS.documentTokensMax),
    'Maximum tokens of a GraphQL document.',
  ),
  queryAliasesMax: variable(
    'SLUICE_QUERY_ALIASES_MAX',
    whole(0, 1_000).default(LIMITS.aliasesMax),
    'Maximum aliases in a GraphQL document.',
  ),
  queryDirectivesMax: variable(
    'SLUICE_QUERY_DIRECTIVES_MAX',
    whole(0, 1_000).default(LIMITS.directivesMax),
    'Maximum directives in a GraphQL document.',
  ),
  queryRootFieldsMax: variable(
    'SLUICE_QUERY_ROOT_FIELDS_MAX',
    whole(1, 1_000).default(LIMITS.rootFieldsMax),
    'Maximum root fields of an operation.',
  ),
  queryCostMax: variable(
    'SLUICE_QUERY_COST_MAX',
    whole(1_000, 100_000_000).default(LIMITS.queryCostMax),
    'Maximum values in the answer to an operation, if every page is full.',
  ),
  answerBytesMax: variable(
    'SLUICE_ANSWER_BYTES_MAX',
    whole(65_536, 536_870_912).default(LIMITS.answerBytesMax),
    'Maximum bytes of an answer, and of what a statement reads for it.',
  ),
  readTimeoutMs: variable(
    'SLUICE_READ_TIMEOUT_MS',
    whole(100, 600_000).default(3_000),
    'Time limit of a read statement. A slower one gets QUERY_TOO_EXPENSIVE.',
  ),
  connectionsMax: variable(
    'SLUICE_CONNECTIONS_MAX',
    whole(CONNECTIONS_MIN, 1_000).default(32),
    'Maximum connections to Postgres that one gateway holds, those to a standby among them. docs/scaling.md lists the shares.',
  ),
  natsServers: variable(
    'SLUICE_NATS_URL',
    natsServers,
    'NATS servers through which gateways on the same database notify each other of new events, separated by commas. By default they use Postgres.',
  ),
  natsCredentials: variable(
    'SLUICE_NATS_CREDENTIALS_FILE',
    optional(fileContent),
    'A .creds file with the JWT and the seed of the NATS user.',
  ),
  trustedDocuments: variable(
    'SLUICE_TRUSTED_DOCUMENTS',
    optional(z.string()),
    'A JSON file of GraphQL documents by id. If set, no other documents are executed.',
  ),
  keyRequestsPerSecond: variable(
    'SLUICE_KEY_REQUESTS_PER_SECOND',
    whole(0, 1_000_000).default(0),
    'Requests per second of one key, averaged over ten seconds. 0 means no limit.',
  ),
  keyEventsPerSecond: variable(
    'SLUICE_KEY_EVENTS_PER_SECOND',
    whole(0, 10_000_000).default(0),
    'Events per second that one key may record, averaged over ten seconds. 0 means no limit.',
  ),
  addressRequestsPerSecond: variable(
    'SLUICE_ADDRESS_REQUESTS_PER_SECOND',
    whole(0, 1_000_000).default(0),
    'Requests per second from one address, averaged over ten seconds. 0 means no limit.',
  ),
  wrongKeysPerMinute: variable(
    'SLUICE_WRONG_KEYS_PER_MINUTE',
    whole(1, 1_000_000).default(100),
    'Wrong keys per minute from one address. Beyond that, only keys that it used recently are checked.',
  ),
  trustedProxies: variable(
    'SLUICE_TRUST_PROXY',
    whole(0, 10).default(0),
    'Number of your own proxies in front of the gateway. Their X-Forwarded-For and X-Forwarded-Proto are trusted.',
  ),
  workRequestsMax: variable(
    'SLUICE_WORK_REQUESTS_MAX',
    whole(1, 100_000).default(LIMITS.workRequestsMax),
    'Maximum requests in work at once. Others wait for a second, then get OVERLOADED.',
  ),
  workBytesMax: variable(
    'SLUICE_WORK_BYTES_MAX',
    whole(1_048_576, 17_179_869_184).default(LIMITS.workBytesMax),
    'Maximum bytes held for requests in work. Requests that need more get OVERLOADED.',
  ),
  streamsMax: variable(
    'SLUICE_STREAMS_MAX',
    whole(1, 100_000).default(10_000),
    'Maximum live streams and downloads open at once in one process.',
  ),
  streamsPerKeyMax: variable(
    'SLUICE_STREAMS_PER_KEY_MAX',
    whole(1, 100_000).default(1_000),
    'Maximum live streams and downloads of one key open at once in one process.',
  ),
  logshEventsPerSecond: variable(
    'SLUICE_LOGSH_EVENTS_PER_SECOND',
    whole(1, 1_000_000).default(1_000),
    'Events per second that one key may send to the Logsh door.',
  ),
  logspaceOrder: variable(
    'SLUICE_LOGSPACE_ORDER',
    optional(
      z.string().transform((json, context) => {
        const order = readOrderSetting(json);
        if (order === null) context.addIssue({ code: 'custom', message: ORDER_EXPECTED });
        return order ?? z.NEVER;
      }),
    ),
    'The order for Logspace agents, in JSON. By default all agents run every minute.',
  ),
  webhookPrivateNetworks: variable(
    'SLUICE_WEBHOOK_PRIVATE_NETWORKS',
    flag.default(false),
    'Whether webhooks may be sent to private and local addresses, and without TLS. Set it only if everybody who can make webhooks is trusted.',
  ),
  webhookRetrySeconds: variable(
    'SLUICE_WEBHOOK_RETRY_SECONDS',
    z
      .string()
      .default(RETRY_SECONDS)
      .transform((text, context) => {
        const seconds = text.split(',').map(item => Number(item.trim() === '' ? NaN : item));
        const isFine = seconds.every(each => each >= 0 && each <= LIMITS.retryDelaySecondsMax);
        if (isFine && seconds.length <= LIMITS.attemptsMax) return seconds;
        const message = `expects 1 to ${LIMITS.attemptsMax} numbers of seconds, separated by commas, each at most ${LIMITS.retryDelaySecondsMax}`;
        context.addIssue({ code: 'custom', message });
        return z.NEVER;
      }),
    'Seconds between the attempts of a webhook to deliver an event. The last one applies to all further attempts.',
  ),
  publicUrl: variable(
    'SLUICE_PUBLIC_URL',
    optional(
      z
        .url({ protocol: /^https?$/, error: 'expects a URL such as https://events.example.com' })
        .transform(url => url.replace(/\/+$/, '')),
    ),
    'Address of the console for people. Notifications link to it.',
  ),
  smtpUrl: variable(
    'SLUICE_SMTP_URL',
    optional(
      z.url({ protocol: /^smtps?$/, error: 'expects smtp://user:password@host:port, or smtps://' }),
    ),
    'Mail server for notifications: smtp://user:password@host:587, or smtps:// for TLS from the start. Without it there is no email.',
  ),
  smtpFrom: variable(
    'SLUICE_SMTP_FROM',
    optional(
      z.string().regex(/^(?:[^<>\p{Cc}]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/u, {
        error: 'expects an address such as sluice@example.com or Sluice <sluice@example.com>',
      }),
    ),
    'Sender of emails. By default sluice@ and the host of SLUICE_PUBLIC_URL.',
  ),
  otlpEndpoint: variable(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    optional(z.url({ protocol: /^https?$/, error: 'expects http://host:port' })),
    'Address that traces are sent to, by OTLP over HTTP. Without it nothing is traced. The other OTEL_ variables work too.',
  ),
  logLevel: variable(
    'LOG_LEVEL',
    z.enum(LEVELS, { error: `expects one of ${LEVELS.join(', ')}` }).default('info'),
    'Lowest level that is logged.',
  ),
};

type Values = {
  readonly [Key in keyof typeof VARIABLES]: z.output<(typeof VARIABLES)[Key]['schema']>;
};

/** Null: not set. */
export interface Config extends Omit<Values, 'adminKeyFile' | 'webhookRetrySeconds'> {
  /** After the first attempt, the second and so on. The last applies to all further ones. */
  readonly webhookRetryDelaysMs: readonly number[];
}

/** What docs/settings.md says of each variable. */
export const SETTINGS: Readonly<Record<string, Setting>> = Object.fromEntries(
  Object.values(VARIABLES).map(({ name, schema, description }) => {
    const byDefault = schema.safeParse(undefined).data;
    return [name, { description, byDefault: String(byDefault ?? '') }];
  }),
);

/** Their values are never repeated. */
const SECRETS: ReadonlySet<string> = new Set([
  'SLUICE_ADMIN_KEY',
  'SLUICE_EVIDENCE_KEY',
  'SLUICE_NATS_URL',
  'SLUICE_SMTP_URL',
  'DATABASE_URL',
  'DATABASE_READ_URL',
]);

/** Every setting that is wrong, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function standbyFaults({ databaseUrl, databaseReadUrl, connectionsMax }: Values): string[] {
  if (databaseReadUrl == null) return [];
  const faults: string[] = [];
  if (databaseUrl == null) {
    faults.push(
      'DATABASE_READ_URL expects DATABASE_URL beside it: the embedded Postgres has no standby',
    );
  } else if (databaseUrl === databaseReadUrl) {
    faults.push('DATABASE_READ_URL expects a standby, but is the same as DATABASE_URL');
  }
  if (connectionsMax < CONNECTIONS_WITH_STANDBY_MIN) {
    faults.push(
      `SLUICE_CONNECTIONS_MAX expects ${CONNECTIONS_WITH_STANDBY_MIN} or more beside DATABASE_READ_URL, but is "${connectionsMax}"`,
    );
  }
  return faults;
}

/** @throws ConfigError naming every fault. An empty variable counts as absent. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = (name: string) => environment[name] || undefined;
  const faults: string[] = [];
  const values = Object.fromEntries(
    Object.entries(VARIABLES).map(([key, { name, schema }]) => {
      const { data, error } = schema.safeParse(given(name));
      const but = SECRETS.has(name) ? '' : `, but is "${given(name)}"`;
      for (const { message } of error?.issues ?? []) faults.push(`${name} ${message}${but}`);
      return [key, data];
    }),
  ) as Values;
  if (given('SLUICE_ADMIN_KEY') !== undefined && given('SLUICE_ADMIN_KEY_FILE') !== undefined) {
    faults.push(
      'SLUICE_ADMIN_KEY_FILE cannot be combined with SLUICE_ADMIN_KEY: set only one of them',
    );
  }
  faults.push(...standbyFaults(values));
  if (faults.length > 0) {
    throw new ConfigError(`The settings are not usable:\n${faults.map(f => `  ${f}`).join('\n')}`);
  }
  const { adminKeyFile, webhookRetrySeconds, ...config } = values;
  return Object.freeze({
    ...config,
    adminKey: config.adminKey ?? adminKeyFile,
    webhookRetryDelaysMs: webhookRetrySeconds.map(seconds => seconds * 1_000),
  });
}
