/**
 * Notifications among misfortunes: a push service that fails, hangs, answers late or cuts the
 * connection after reading, a mail server that dies, refuses and hangs, gateways that are killed,
 * sessions that are ended. Afterwards every event was told of once in the rule's own account, and
 * came; and a threshold was told of once for each time that it was crossed.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import { startPushService, type Browser, type PushService } from '../e2e/notifications/kit.ts';
import type { Answer } from '../e2e/webhooks/kit.ts';
import {
  ask,
  count,
  createWorld,
  endWorld,
  record,
  wreak,
  type World,
  type WorldOptions,
} from './world.ts';

/** An attempt more than the misfortunes last: nothing is given up. */
const RETRIES = Array.from({ length: 100 }, (_, at) => Math.min(0.2, 0.02 * (at + 1)));
const SETTLE_MS = 90_000;
const AT_LEAST = 12;
const WITHIN_S = 1;

interface Arena extends World {
  readonly browser: Browser;
  readonly mail: MailServer;
  isCalm: boolean;
}

export async function tortureNotifications(options: WorldOptions) {
  const service = await startPushService();
  const mail = await startMailServer();
  const world = await createWorld(options, {
    SLUICE_WEBHOOK_PRIVATE_NETWORKS: 'true',
    SLUICE_WEBHOOK_RETRY_SECONDS: RETRIES.join(','),
    SLUICE_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
  });
  const browser = service.browser();
  const arena: Arena = Object.assign(world, { browser, mail, isCalm: false });
  await makeRules(arena);
  service.answer = () => answerOf(arena);
  const others = [writeInBursts(arena), wreak(arena), tormentMail(arena)];
  await sleep(options.seconds * 1_000);
  arena.isOver = true;
  await Promise.all(others);
  arena.isCalm = true;
  await mail.up();
  const faults = [...(await untilTold(arena)), ...(await faultsOf(arena))];
  await endWorld(arena);
  await stopAll(service, mail);
  return { faults: faults.slice(0, 20), counts: arena.counts };
}

async function makeRules({ gateways: [gateway], browser }: Arena): Promise<void> {
  const { endpoint, keys } = browser.subscription;
  const filter = 'filter: { types: ["torture.step"] }';
  const { errors } = await gateway!.graphql(
    `mutation ($endpoint: String!, $p256dh: String!, $auth: String!) {
      savePushSubscription(input: { endpoint: $endpoint, keys: { p256dh: $p256dh, auth: $auth } }) {
        subscription { endpoint } }
      each: createNotificationRule(input: { workspace: "default", name: "each", ${filter}
        channels: [{ webPush: true }] }) { rule { name } }
      many: createNotificationRule(input: { workspace: "default", name: "many", ${filter}
        channels: [{ email: { to: ["ops@example.com"] } }]
        threshold: { comparison: AT_LEAST, count: ${AT_LEAST}, within: "PT${WITHIN_S}S" }
      }) { rule { name } } }`,
    { endpoint, ...keys },
  );
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
}

function answerOf(arena: Arena): Answer {
  const chance = arena.isCalm ? 1 : arena.random();
  if (chance < 0.06) return count(arena, 'pushes that fail') ?? 500;
  if (chance < 0.07) return () => count(arena, 'pushes that hang');
  if (chance < 0.12) {
    count(arena, 'pushes that are cut after reading');
    return (_req, res) => void res.destroy();
  }
  return 201;
}

/** Bursts cross the threshold; in between so little comes that it can be crossed again. */
async function writeInBursts(arena: Arena): Promise<void> {
  const { random } = arena;
  while (!arena.isOver) {
    for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
      await record(arena, 1 + Math.floor(random() * 8));
      await sleep(random() * 60);
    }
    await sleep(random() * 2_500);
    await record(arena, 1);
  }
}

async function tormentMail(arena: Arena): Promise<void> {
  const { mail, random } = arena;
  while (!arena.isOver) {
    await sleep(200 + random() * 600);
    const chance = random();
    if (chance < 0.4) {
      count(arena, 'deaths of the mail server');
      await mail.down();
      await sleep(random() * 500);
      await mail.up();
    } else {
      const mood = chance < 0.7 ? 'REFUSES' : 'CUTS';
      count(arena, `times that it ${mood.toLowerCase()}`);
      mail.mood = mood;
      await sleep(random() * 500);
      mail.mood = 'TAKES';
    }
  }
}

interface Rule {
  readonly name: string;
  readonly waitingCount: number;
}
const STATE = `{
  consumers(workspace: "default") { nodes { name lagEvents parkedCount } }
  notificationRules(workspace: "default") { nodes { name waitingCount } } }`;
interface State {
  readonly consumers: { readonly nodes: readonly { lagEvents: number; parkedCount: number }[] };
  readonly notificationRules: { readonly nodes: readonly Rule[] };
}

async function untilTold(arena: Arena): Promise<string[]> {
  const untilMs = Date.now() + SETTLE_MS;
  let last = '';
  while (Date.now() < untilMs) {
    const state = await ask<State>(arena, STATE, {});
    last = JSON.stringify(state);
    const isSettled = state?.consumers.nodes.every(
      ({ lagEvents, parkedCount }) => lagEvents + parkedCount === 0,
    );
    const isSent = state?.notificationRules.nodes.every(({ waitingCount }) => waitingCount === 0);
    if (isSettled === true && isSent === true) return [];
    await sleep(100);
  }
  return [`it was not all told: ${last}`];
}

interface Stored {
  readonly position: number;
  readonly event_id: string;
  readonly recorded_at: Date;
}

async function faultsOf(arena: Arena): Promise<string[]> {
  const { db, browser, mail } = arena;
  const stored = await db.write.query<Stored>(
    `select position, event_id, recorded_at from events where workspace_id =
       (select id from workspaces where slug = 'default') order by position`,
  );
  const told = await db.write.query<{ name: string; notified: number }>(
    `select c.name, r.notified_count as notified from notification_rules r
     join consumers c on c.workspace_id = r.workspace_id and c.id = r.consumer_id`,
  );
  const toldBy = (name: string) => told.find(each => each.name === name)?.notified;
  const crossings = crossingsOf(stored);
  const pushed = new Map<string, Set<string>>();
  for (const { path, tag } of browser.pushed) {
    const id = new URL(path, 'http://x').searchParams.get('event') ?? '';
    pushed.set(id, (pushed.get(id) ?? new Set()).add(tag));
  }
  const mails = new Set(mail.subjects());
  count(arena, 'events', stored.length);
  count(arena, 'crossings', crossings.length);
  count(arena, 'pushes taken', browser.pushed.length);
  count(arena, 'mails taken', mail.taken.length);
  const faults = stored.flatMap(({ event_id: id, position }) => {
    const tags = pushed.get(id)?.size ?? 0;
    return tags === 1 ? [] : [`${position} was told of by ${tags} notifications`];
  });
  if (toldBy('each') !== stored.length) {
    faults.push(`${toldBy('each')} notifications of ${stored.length} events`);
  }
  if (toldBy('many') !== crossings.length) {
    faults.push(`${toldBy('many')} notifications of ${crossings.length} crossings`);
  }
  for (const id of crossings) if (!mails.has(id)) faults.push(`no mail of the crossing by ${id}`);
  for (const id of mails) if (!crossings.includes(id)) faults.push(`a mail of no crossing: ${id}`);
  return faults;
}

/** By the plain rule: in whole seconds, as the docs say, and anew once there were fewer. */
function crossingsOf(stored: readonly Stored[]): string[] {
  const secondOf = ({ recorded_at: at }: Stored) => Math.floor(at.getTime() / 1_000);
  let isCrossed = false;
  return stored.flatMap((event, at) => {
    const within = stored
      .slice(0, at + 1)
      .filter(each => secondOf(each) >= secondOf(event) - WITHIN_S);
    const before = isCrossed;
    isCrossed = within.length >= AT_LEAST;
    return isCrossed && !before ? [event.event_id] : [];
  });
}

interface MailServer {
  readonly port: number;
  /** What it took whole; cut before it could say so, too. */
  readonly taken: string[];
  mood: 'TAKES' | 'REFUSES' | 'CUTS';
  /** Ids of the events that the mails name. */
  subjects(): string[];
  down(): Promise<void>;
  up(): Promise<void>;
}

async function startMailServer(): Promise<MailServer> {
  const taken: string[] = [];
  const sockets = new Set<Socket>();
  let server: SMTPServer | null = null;
  let port = 0;
  const self: MailServer = {
    get port() {
      return port;
    },
    taken,
    mood: 'TAKES',
    subjects: () =>
      taken.map(text => {
        const plain = text.replaceAll('=\r\n', '');
        return /TORTURE-([0-9a-f-]{36})/.exec(plain)?.[1] ?? 'none';
      }),
    async down() {
      const { server: tcp } = server!;
      server = null;
      tcp.close();
      for (const socket of sockets) socket.destroy();
      await once(tcp, 'close').catch(() => {});
    },
    async up() {
      if (server !== null) return;
      server = new SMTPServer({
        ...{ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'], logger: false },
        onRcptTo: (_address, _session, done) =>
          self.mood === 'REFUSES'
            ? done(Object.assign(new Error('later'), { responseCode: 451 }))
            : done(),
        onData(stream, _session, done) {
          const chunks: Buffer[] = [];
          stream.on('data', (chunk: Buffer) => chunks.push(chunk));
          stream.on('end', () => {
            taken.push(Buffer.concat(chunks).toString());
            if (self.mood === 'CUTS') for (const socket of sockets) socket.destroy();
            else done();
          });
        },
      });
      server.on('error', () => {});
      server.server.on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      });
      server.listen(port, '127.0.0.1');
      await once(server.server, 'listening');
      port = (server.server.address() as AddressInfo).port;
    },
  };
  await self.up();
  return self;
}

async function stopAll(service: PushService, mail: MailServer): Promise<void> {
  await mail.down();
  await service[Symbol.asyncDispose]();
}
