/** A push service, a mail server, and what tests of notifications say to a gateway. */
import ece from 'http_ece';
import { createECDH, createPublicKey, randomBytes, verify } from 'node:crypto';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { newBench, type Bench, type Input } from '../consume/kit.ts';
import { startReceiver, type Answer, type Received } from '../webhooks/kit.ts';

/** What the service worker of a browser is given. */
export interface Pushed {
  readonly title: string;
  readonly body: string;
  readonly at: string;
  readonly path: string;
  readonly tag: string;
}

/** A browser's subscription at the push service, as `JSON.stringify` gives it. */
export interface Browser {
  readonly subscription: {
    readonly endpoint: string;
    readonly expirationTime: null;
    readonly keys: { readonly p256dh: string; readonly auth: string };
  };
  /** What came, decrypted as a browser does, in order. */
  readonly pushed: Pushed[];
  /** The claims of each, which were verified. */
  readonly claims: Record<string, unknown>[];
  readonly received: Received[];
}

export interface PushService extends AsyncDisposable {
  readonly url: string;
  browser(): Browser;
  /** Requests, whatever became of them. */
  received(): number;
  /** For the requests to come. */
  answer: (received: Received) => Answer;
}

/** It answers as push services do, and decrypts by another implementation than ours. */
export async function startPushService(): Promise<PushService> {
  const receiver = await startReceiver(201);
  const binary = new Map<string, (received: Received) => void>();
  receiver.answer = received => {
    const answer = self.answer(received);
    if (answer === 201) binary.get(received.path)?.(received);
    return answer;
  };
  const self: PushService = {
    url: receiver.url,
    received: () => receiver.received.length,
    answer: () => 201,
    browser() {
      const keys = createECDH('prime256v1');
      keys.generateKeys();
      const auth = randomBytes(16).toString('base64url');
      const path = `/push/${randomBytes(16).toString('base64url')}`;
      const browser: Browser = {
        subscription: {
          endpoint: `${receiver.url.slice(0, -1)}${path}`,
          expirationTime: null,
          keys: { p256dh: keys.getPublicKey('base64url'), auth },
        },
        ...{ pushed: [], claims: [], received: [] },
      };
      binary.set(path, received => {
        const { headers, bytes } = received;
        const options = { version: 'aes128gcm', privateKey: keys, authSecret: auth } as const;
        const text = ece.decrypt(bytes, options).toString();
        browser.claims.push(claimsOf(headers['authorization'] ?? ''));
        browser.received.push(received);
        browser.pushed.push(JSON.parse(text) as Pushed);
      });
      return browser;
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  return self;
}

/** Verified as RFC 8292 says. */
function claimsOf(authorization: string): Record<string, unknown> {
  const [, token = '', key = ''] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? [];
  const [header = '', claims = '', signature = ''] = token.split('.');
  const point = Buffer.from(key, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(p => p.toString('base64url'));
  const jwk = { kty: 'EC', crv: 'P-256', x: x!, y: y! };
  const isSigned = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    { key: createPublicKey({ format: 'jwk', key: jwk }), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!isSigned) throw new Error('the claims are not signed');
  return {
    ...(JSON.parse(Buffer.from(header, 'base64url').toString()) as object),
    ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object),
    key,
  };
}

/** Short delays: what failed is tried again at once. */
export const RETRY_MS = [50, 100, 200, 400, 800, 800, 800];

export function startNotifyingGateway(
  options: Parameters<typeof startTestGateway>[0] = {},
): Promise<TestGateway> {
  return startTestGateway({
    ...options,
    config: { webhookPrivateNetworks: true, webhookRetryDelaysMs: RETRY_MS, ...options.config },
  });
}

export const RULE = `name enabled filter quietFor lastNotifiedAt waitingCount lastError
  threshold { count within comparison }
  channels { __typename ... on WebPushChannel { subscriptionCount } ... on EmailChannel { to }
    ... on WebhookChannel { url format } }`;

export interface Rule {
  readonly name: string;
  readonly enabled: boolean;
  readonly filter: Record<string, unknown> | null;
  readonly quietFor: string;
  readonly lastNotifiedAt: string | null;
  readonly waitingCount: number;
  readonly lastError: string | null;
  readonly threshold: Record<string, unknown> | null;
  readonly channels: readonly Record<string, unknown>[];
}

export interface NotifyBench extends Bench {
  subscribe(browser: Browser, key?: string): Promise<void>;
  rule(name: string, input: Input): Promise<Rule>;
  updateRule(name: string, input: Input): Promise<Rule>;
  rules(): Promise<Rule[]>;
  ruleNow(name: string): Promise<Rule>;
}

export async function newNotifyBench(gateway: TestGateway): Promise<NotifyBench> {
  return notifyBenchOf(await newBench(gateway));
}

export function notifyBenchOf(bench: Bench): NotifyBench {
  const { gateway, key } = bench;
  const mutate = async (field: string, input: Input, select: string, as = key) => {
    const type = `${field[0]!.toUpperCase()}${field.slice(1)}Input!`;
    const data = await gateway.data<Record<string, { rule: Rule }>>(
      `mutation($input: ${type}) { ${field}(input: $input) { ${select} } }`,
      { input },
      as,
    );
    return data[field]!;
  };
  return {
    ...bench,
    async subscribe({ subscription }, as = key) {
      await mutate('savePushSubscription', subscription, 'subscription { endpoint }', as);
    },
    rule: async (name, input) =>
      (await mutate('createNotificationRule', { name, ...input }, `rule { ${RULE} }`)).rule,
    updateRule: async (rule, input) =>
      (await mutate('updateNotificationRule', { rule, ...input }, `rule { ${RULE} }`)).rule,
    async rules() {
      const { notificationRules } = await gateway.data<{ notificationRules: { nodes: Rule[] } }>(
        `{ notificationRules { nodes { ${RULE} } } }`,
        {},
        key,
      );
      return notificationRules.nodes;
    },
    async ruleNow(name) {
      const { notificationRule } = await gateway.data<{ notificationRule: Rule }>(
        `query($name: String!) { notificationRule(name: $name) { ${RULE} } }`,
        { name },
        key,
      );
      return notificationRule;
    },
  };
}

export const PUSH = { channels: [{ webPush: true }] };
export const PATIENCE = { timeout: 90_000, interval: 20 };

/** A key of the bench's workspace; null: of all. */
export async function makeKey(
  { gateway, slug }: Bench,
  scopes: string,
  workspace: string | null = slug,
) {
  const { createApiKey } = await gateway.data<{
    createApiKey: { secret: string; apiKey: { id: string } };
  }>(
    `mutation($workspace: String) {
      createApiKey(input: { name: "k", workspace: $workspace, scopes: [${scopes}] }) {
        secret apiKey { id } } }`,
    { workspace },
  );
  return {
    secret: createApiKey.secret,
    revoke: () =>
      gateway.data('mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', {
        id: createApiKey.apiKey.id,
      }),
  };
}
