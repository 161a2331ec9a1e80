/** Everything between the HTTP service and the database, wired once. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { Consume } from '../consume/consume.ts';
import { GatewayError } from '../core/errors.ts';
import { unauthenticated } from '../core/principal.ts';
import type { LimitStanding } from '../core/quota.ts';
import type { AuditedTransaction } from '../db/audit-log.ts';
import type { Database } from '../db/client.ts';
import { onBehalfOf } from '../db/connection.ts';
import { EPOCH_DUE, readInstallation, settleHome, type Installation } from '../db/installation.ts';
import { codeOf, SQLSTATE } from '../db/sqlstate.ts';
import type { DoorServices } from '../doors/door.ts';
import { decodeAgain } from '../doors/index.ts';
import { ensureEvidenceKey } from '../evidence/keys.ts';
import { createSharedResults, type SharedResults } from '../graphql-http/shared-results.ts';
import type { Services } from '../graphql/services.ts';
import { Admission } from '../http/admission.ts';
import { createSchemaChecker, type SchemaChecker } from '../json-schema/checker.ts';
import { monotonicMs } from '../live/clock.ts';
import type { Live } from '../live/live.ts';
import { createMeterAdmin } from '../meters/meter-admin.ts';
import type { Notifier } from '../notifications/notifier.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createOffload, type Offload } from '../read/offload.ts';
import { createWorkspaceReader } from '../read/workspaces.ts';
import { createCheckDefinition, createDefinitionAdmin } from '../record/definition-admin.ts';
import { createNotesOf } from '../record/door-notes.ts';
import type { KeyUsage } from '../record/key-usage.ts';
import { createQuarantineAdmin } from '../record/quarantine-admin.ts';
import { quarantine } from '../record/quarantine.ts';
import { createJudge } from '../record/schema-judgement.ts';
import type { Writers } from '../record/writers.ts';
import { createFold, type Fold } from '../rollup/fold.ts';
import { createAccess, type Access, type AccessControl } from '../security/access.ts';
import { clientAddress } from '../security/address.ts';
import { createAuthenticator } from '../security/authenticate.ts';
import { createKeyAdmin } from '../security/keys.ts';
import { tellStandings } from '../security/limit-headers.ts';
import type { AuthenticateCaller, RateLimits } from '../security/rate-limits.ts';
import { createRateLimits } from '../security/rate-limits.ts';
import { createTickets, type Tickets } from '../security/tickets.ts';
import { createWorkspaceAdmin } from '../security/workspace-admin.ts';
import { redact } from '../upkeep/redact.ts';
import { createUpkeep, type Upkeep } from '../upkeep/upkeep.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import { createConsumerServices } from './consumer-services.ts';
import type { DoorHandlerOptions } from './door-handler.ts';
import { createReadiness, type NotReady } from './health.ts';
import { createGatewayAggregates, createGatewayLive } from './live-services.ts';
import { createNotificationServices } from './notification-services.ts';
import { ADMINISTRATION, createReaders } from './readers.ts';
import { createIngest } from './record-services.ts';
import { createStandbyLog } from './standby-log.ts';
import { createStatus } from './status.ts';
import { createStreamsCheck } from './streams-check.ts';

export interface GatewayServices
  extends Services, Pick<DoorServices, 'statistics' | 'notesOf' | 'sealingKey'> {
  /** Keeps what a door has acknowledged. @throws GatewayError SERVICE_UNAVAILABLE */
  readonly keepAside: DoorHandlerOptions['services']['keepAside'];
  readonly live: Live;
  /** Of all that asks for something to be done. */
  readonly admission: Admission;
  readonly access: Access;
  readonly authenticate: AuthenticateCaller;
  /** As `authenticate`, of one that was authenticated before: it counts in no rate. */
  readonly confirm: AuthenticateCaller;
  readonly rateLimits: RateLimits;
  readonly tickets: Tickets;
  readonly metrics: Metrics;
  /** Of streams that ask the same. */
  readonly sharedResults: SharedResults;
  /** Why nothing can be recorded or read right now; empty when all is well. */
  readonly notReady: NotReady;
  start(): Promise<void>;
  /** Flushes what waits and ends what runs in the background. */
  stop(): Promise<void>;
}

export interface ServicesOptions {
  readonly db: Database;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
}

export async function createServices(options: ServicesOptions): Promise<GatewayServices> {
  const { db, config, log, metrics } = options;
  const { epoch, sealingSecret } = await openInstallation(options);
  await ensureEvidenceKey(db.write, config.evidenceKey);
  const known = createAccess(createWorkspaceReader(db.lookup), monotonicMs);
  const offload = createGatewayOffload(options, epoch);
  const readers = createGatewayReaders(options, { epoch, known, offload });
  const onForgotten = offload.note;
  const live = createGatewayLive({ ...options, epoch, sealingSecret, onForgotten });
  const fold = createFold({ upkeep: db.upkeep, logger: log, nowMs: () => Date.now() });
  const read = onBehalfOf(ADMINISTRATION, db.read);
  const upkeep = createUpkeep({ upkeep: db.upkeep, read, logger: log });
  const sharedResults = createSharedResults();
  const schemas = createSchemaChecker(err => log.warn({ err }, 'checking payloads by a schema'));
  const ingest = createIngest({ ...options, live, fold, schemas, onRecorded: offload.note });
  const { writers, record, audited, usage } = ingest;
  const tickets = createGatewayTickets(options, epoch);
  const bounds = createBounds(config, metrics);
  const streamsCheck = createStreamsCheck(db, live, log);
  const stores = createDoorStores(db, sealingSecret);
  const onChanged = () => notifying.changed();
  const parts = { ...readers, ...stores, live, epoch, record, audited, onChanged };
  const { sending, consumerFigures, ...consumerServices } = createConsumerServices(options, parts);
  const { consume } = consumerServices;
  const { notifying, ...notificationServices } = await createNotificationServices(options, {
    ...parts,
    ...consumerServices,
  });
  metrics.readFrom({
    lanes: () => lanesOf(db),
    waitingEvents: () => writers.depth,
    requests: () => bounds.admission.figures,
    streams: () => ({ ...live.stats(), executions: sharedResults.stats().executions }),
    upkeep: () => upkeep.stats(),
    waiting: upkeep.figures,
    deliveries: () => consume.stats(),
    consumers: consumerFigures,
  });
  const running = { writers, usage, upkeep, live, fold, streamsCheck, tickets, schemas, consume };
  return {
    epoch,
    ...readers,
    ...stores,
    ...consumerServices,
    ...notificationServices,
    record,
    schemas,
    live,
    ...bounds,
    ...createWorkspaces(db, known, { fold, audited, offload }),
    ...createKeys(options, bounds, audited),
    ...createRecordAdmins(db, ingest, { schemas, fold, offload }),
    keepAside: (target, items) => keepAside(db, target, items),
    liveAggregates: createGatewayAggregates(db, live, epoch),
    status: createStatus({ read, config, writers, live, metrics }),
    redact: createRedact(options, { fold, live, audited, offload }),
    createStreamTicket: tickets.create,
    tickets,
    metrics,
    sharedResults,
    notReady: createReadiness(db.probe, monotonicMs),
    ...inOrder({ ...running, sending, notifying }),
  };
}

function createGatewayOffload({ db, log, metrics }: ServicesOptions, epoch: string): Offload {
  const logged = createStandbyLog(log, monotonicMs);
  return createOffload({
    standby: db.standby,
    read: db.read,
    lookup: db.lookup,
    epoch,
    onAnswer(at, cause) {
      metrics.offloaded(at);
      logged(at, cause);
    },
  });
}

interface Reading {
  readonly epoch: string;
  readonly known: AccessControl;
  readonly offload: Offload;
}

function createGatewayReaders(
  { db, config, metrics }: ServicesOptions,
  { epoch, known, offload }: Reading,
) {
  return createReaders({
    read: db.read,
    offload,
    epoch,
    nowMs: () => Date.now(),
    metrics,
    bytesMax: config.answerBytesMax,
    limitMs: config.readTimeoutMs,
    evidenceKey: config.evidenceKey,
    hasSearchIndex: async id => (await known.find(id))?.searchIndex === true,
  });
}

/** Told of workspaces whose definitions, meters or settings have changed. */
interface ChangeListeners {
  readonly fold: Pick<Fold, 'note'>;
  readonly offload: Pick<Offload, 'note'>;
}

function tell({ fold, offload }: ChangeListeners, workspaceId: number): void {
  fold.note([workspaceId]);
  offload.note([workspaceId]);
}

function createRecordAdmins(
  { write, read }: Database,
  { definitions, record, audited, usage }: ReturnType<typeof createIngest>,
  { schemas, ...listeners }: ChangeListeners & { readonly schemas: SchemaChecker },
): Pick<GatewayServices, 'definitionAdmin' | 'checkDefinition' | 'quarantineAdmin' | 'meterAdmin'> {
  const onChanged = (workspaceId: number) => tell(listeners, workspaceId);
  const onDefined = (workspaceId: number) => {
    definitions.forget(workspaceId);
    tell(listeners, workspaceId);
  };
  const judge = createJudge(read, schemas);
  const quarantineAdmin = createQuarantineAdmin({ write, audited, record, decodeAgain });
  return {
    definitionAdmin: createDefinitionAdmin({ write, audited, schemas, judge, onDefined }),
    checkDefinition: createCheckDefinition(schemas, judge),
    quarantineAdmin: {
      ...quarantineAdmin,
      // They are recorded one by one: all have room, or none is.
      resubmit: (workspace, ids, actor, correction) =>
        usage.within(actor, new Set(ids).size, own =>
          quarantineAdmin.resubmit(workspace, ids, own, correction),
        ),
    },
    meterAdmin: createMeterAdmin({ write, audited, onChanged }),
  };
}

function createGatewayTickets({ db, log }: ServicesOptions, epoch: string): Tickets {
  return createTickets({
    write: db.write,
    epoch,
    onError: err => log.warn({ err }, 'tickets of open streams were not renewed'),
  });
}

interface Redacting {
  readonly fold: Pick<Fold, 'foldNow'>;
  readonly live: Pick<Live, 'forget'>;
  readonly audited: AuditedTransaction;
  readonly offload: Pick<Offload, 'note'>;
}

function createRedact(
  { db, metrics }: ServicesOptions,
  { fold, live, audited, offload }: Redacting,
): GatewayServices['redact'] {
  return (workspaceId, redaction, actor) =>
    redact(db.upkeep, workspaceId, redaction, {
      audited,
      actor,
      fold: id => fold.foldNow(id, { fillsMeters: false }),
      onEmptied: metrics.redacted,
      // Also where it failed: whether it was committed may not be known.
    }).finally(() => {
      offload.note([workspaceId]);
      live.forget(workspaceId);
    });
}

function lanesOf({ read, lookup, write, upkeep, standby }: Database) {
  return {
    ...(standby !== null && { standby: standby.stats() }),
    read: read.stats(),
    lookup: lookup.stats(),
    write: write.stats(),
    upkeep: upkeep.stats(),
  };
}

interface Running {
  readonly writers: Pick<Writers, 'stop'>;
  readonly usage: Pick<KeyUsage, 'stop'>;
  readonly upkeep: Pick<Upkeep, 'start' | 'stop'>;
  readonly live: Pick<Live, 'start' | 'stop'>;
  readonly fold: Pick<Fold, 'start' | 'stop'>;
  readonly streamsCheck: ReturnType<typeof createStreamsCheck>;
  readonly tickets: Pick<Tickets, 'start' | 'stop'>;
  readonly schemas: SchemaChecker;
  readonly consume: Pick<Consume, 'stop'>;
  readonly sending: Pick<Webhooks, 'start' | 'stop'>;
  readonly notifying: Pick<Notifier, 'start' | 'stop'>;
}

/** The start and the end of what runs in the background. */
function inOrder(running: Running): Pick<GatewayServices, 'start' | 'stop'> {
  const { writers, usage, upkeep, live, fold, streamsCheck, tickets, schemas } = running;
  const { consume, sending, notifying } = running;
  return {
    async start() {
      await upkeep.start();
      await live.start();
      fold.start();
      streamsCheck.start();
      tickets.start();
      sending.start();
      notifying.start();
    },
    async stop() {
      // First: what it does is recorded and acknowledged.
      await Promise.all([sending.stop(), notifying.stop()]);
      await writers.stop();
      await usage.stop();
      streamsCheck.stop();
      consume.stop();
      tickets.stop();
      await Promise.all([live.stop(), fold.stop(), upkeep.stop(), schemas.stop()]);
    },
  };
}

function createWorkspaces(
  db: Database,
  { access, forget }: AccessControl,
  { audited, ...listeners }: ChangeListeners & { readonly audited: AuditedTransaction },
): Pick<GatewayServices, 'access' | 'workspaceAdmin'> {
  const onChanged = (id: number) => {
    forget(id);
    tell(listeners, id);
  };
  return { access, workspaceAdmin: createWorkspaceAdmin(db.write, audited, onChanged) };
}

function createKeys(
  { db, config }: ServicesOptions,
  { rateLimits }: Bounds,
  audited: AuditedTransaction,
): Pick<GatewayServices, 'authenticate' | 'confirm' | 'keyAdmin'> {
  const { authenticate, forget } = createAuthenticator({
    read: db.lookup,
    write: db.write,
    nowMs: monotonicMs,
  });
  const { allowWeakKeys: allowWeak, keyAgeDaysMax: ageDaysMax, trustedProxies } = config;
  const confirm: AuthenticateCaller = async (secret, caller) => {
    if (secret === null) return null;
    const address = () => clientAddress(caller, trustedProxies);
    const tell = (standings: readonly LimitStanding[]) => tellStandings(caller, standings);
    return { ...(await authenticate(secret, address)), clientAddress: address, tell };
  };
  return {
    authenticate: (secret, caller) =>
      rateLimits.admit(caller, secret, () => confirm(secret, caller)),
    confirm,
    keyAdmin: createKeyAdmin(db.write, { audited, allowWeak, ageDaysMax, onChanged: forget }),
  };
}

async function keepAside(
  db: Database,
  ...[target, items]: Parameters<DoorHandlerOptions['services']['keepAside']>
) {
  try {
    await quarantine(db.write, target, items);
  } catch (cause) {
    if (codeOf(cause) === SQLSTATE.keyNotValid) throw unauthenticated();
    throw new GatewayError('SERVICE_UNAVAILABLE', 'Try again shortly.', { cause });
  }
}

async function openInstallation({ db, log }: ServicesOptions): Promise<Installation> {
  await settleHome(db.write);
  const found = await readInstallation(db.read);
  if (found.isEpochDue) log.warn({ epoch: found.epoch }, EPOCH_DUE);
  return found;
}

interface Bounds {
  /** How much a caller may ask. */
  readonly rateLimits: RateLimits;
  /** How much all of them may ask at once. */
  readonly admission: Admission;
}

/** What turns requests away before anything is done for them. */
function createBounds(config: Config, metrics: Pick<Metrics, 'refused'>): Bounds {
  return {
    rateLimits: createRateLimits(config, () => metrics.refused('RATE_LIMITED')),
    admission: new Admission({ ...config, onRefused: () => metrics.refused('OVERLOADED') }),
  };
}

/** What doors keep in the database, for all gateways on it. */
function createDoorStores(
  { read, write }: Database,
  sealingSecret: string,
): Pick<DoorServices, 'notesOf' | 'sealingKey'> {
  return {
    notesOf: createNotesOf(read, write),
    sealingKey: createHash('sha256').update(sealingSecret).digest(),
  };
}
