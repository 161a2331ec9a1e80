/** Every route of every door, and what it is sent. */
import { createDoors } from '../../../src/doors/index.ts';
import type { Place } from './world.ts';

/** What a route is sent: well-formed, so that its answer is of what the key may see. */
export interface Ask {
  /** Values of the path's names, by place: what may name something of another workspace. */
  readonly params?: (place: Place) => Record<string, string>;
  readonly query?: string;
  readonly body?: object | ((place: Place) => object);
  readonly headers?: Readonly<Record<string, string>>;
  /** Where one's own may not be there: not made through this door, or just removed. */
  readonly own?: readonly number[];
}

const UUID = '0197a000-0000-7000-8000-000000000001';
const TIME = '2026-01-01T00:00:00Z';
const interval = '2000-01-01T00:00:00.000Z/2099-01-01T00:00:00.000Z';
const CLI_EVENT = {
  ...{ id: UUID, interaction_type: 'CLI_EXEC', execution_id: UUID, success: true },
  ...{ created_at: TIME, local_started_at: TIME, workspace_id: 'w' },
  ...{ speakeasy_api_key_name: 'k', speakeasy_version: '1' },
};
const AGENT_EVENT = { id: 'probe', type: 'os/probe', system: 'host', timestamp: TIME };
/** It names a workspace in its agent. */
const series = ({ slug }: Place) => ({
  definitions: [
    {
      ...{ timeWindow: { start: TIME, end: '2026-01-01T00:01:00Z', gap: 10 } },
      ...{ globalAgentId: `${slug}|host|cpu`, propertyId: 'double_property_x', aggregate: 'count' },
    },
  ],
});
const inWorkspace = ({ slug }: Place) => ({ workspaceId: slug, targetId: 'target' });
const byUuid = ({ eventId }: Place) => ({ uuid: eventId });

const MESSAGE = { userId: 'u', groupId: 'g', previousId: 'p', event: 'probe' };

function ofSegment(): Record<string, Ask> {
  const calls = ['track', 'identify', 'page', 'screen', 'group', 'alias'];
  const batch = [{ ...MESSAGE, type: 'track' }];
  return Object.fromEntries([
    ...calls.map(call => [`SEGMENT POST /v1/${call}`, { body: MESSAGE }]),
    ...['batch', 'import'].map(name => [`SEGMENT POST /v1/${name}`, { body: { batch } }]),
  ]) as Record<string, Ask>;
}

function ofPosthog(): Record<string, Ask> {
  const body = { event: 'probe', distinct_id: 'd' };
  const paths = ['/capture', '/batch', '/i/v0/e', '/e', '/flags', '/decide'];
  return Object.fromEntries(paths.map(path => [`POSTHOG POST ${path}`, { body }]));
}

function ofLogsnag(): Record<string, Ask> {
  const bodies = {
    'POST /v1/log': { channel: 'c', event: 'probe' },
    'POST /v1/insight': { title: 't', value: 1 },
    'PATCH /v1/insight': { title: 't', value: { $inc: 1 } },
    'POST /v1/identify': { user_id: 'u', properties: {} },
    'POST /v1/group': { group_id: 'g' },
  };
  const entries = Object.entries(bodies).map(([route, body]) => {
    return [`LOGSNAG ${route}`, { body: ({ slug }: Place) => ({ ...body, project: slug }) }];
  });
  return Object.fromEntries(entries) as Record<string, Ask>;
}

const inProject = ({ slug }: Place) => ({ projectId: slug });
const AUDIT = { action: 'probe', crud: 'c', is_anonymous: true };

/** By door, method and path, without the other spellings of one path. */
export const ASKS: Readonly<Record<string, Ask>> = {
  'SPEAKEASY POST /v1/workspace/:workspaceId/events': { params: inWorkspace, body: [CLI_EVENT] },
  'SPEAKEASY GET /v1/workspace/:workspaceId/events': { params: inWorkspace },
  'SPEAKEASY GET /v1/workspace/:workspaceId/events/targets/:targetId/events': {
    params: inWorkspace,
  },
  'SPEAKEASY GET /v1/workspace/:workspaceId/events/targets': { params: inWorkspace },
  'SPEAKEASY GET /v1/workspace/events/targets': {},
  'LOGSPACE PUT /events': { body: [AGENT_EVENT] },
  'LOGSPACE POST /events': { body: {} },
  'LOGSPACE GET /events': {},
  'LOGSPACE POST /event-stream': { body: {} },
  'LOGSPACE GET /event-stream': {},
  'LOGSPACE POST /suggestion': { body: { property: 'type' } },
  'LOGSPACE GET /suggestion': { query: '?property=type' },
  'LOGSPACE POST /time-series': { body: series },
  'LOGSPACE GET /agent-activity': {},
  'LOGSPACE POST /download': { body: series },
  'LOGSPACE GET /orders/:controllerId': { params: () => ({ controllerId: 'c' }) },
  'LOGSPACE PUT /capabilities/:controllerId': {
    ...{ params: () => ({ controllerId: 'c' }), body: { id: 'c', system: 's', capabilities: [] } },
  },
  'LOGSH POST /api/event': { body: ({ slug }: Place) => ({ workspace: slug, event: 'probe' }) },
  'CLOUDEVENTS POST /cloudevents': {
    body: { specversion: '1.0', id: 'probe', source: '/probe', type: 'probe' },
    headers: { 'content-type': 'application/cloudevents+json' } as Record<string, string>,
  },
  'CLOUDEVENTS GET /cloudevents': {},
  'OTLP POST /v1/logs': {
    body: { resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'probe' }] }] }] },
  },
  ...ofSegment(),
  ...ofPosthog(),
  ...ofLogsnag(),
  'RETRACED POST /publisher/v1/project/:projectId/event': { params: inProject, body: AUDIT },
  'RETRACED POST /publisher/v1/project/:projectId/event/bulk': {
    params: inProject,
    body: { events: [AUDIT] },
  },
  'GENESYS GET /api/v2/usage/events/definitions': {},
  'GENESYS GET /api/v2/usage/events/definitions/:id': { params: ({ type }) => ({ id: type }) },
  'GENESYS POST /api/v2/usage/events/query': { body: { interval } },
  'GENESYS POST /api/v2/usage/events/aggregates/query': { body: { interval } },
  'AUTHENTIK POST /api/v3/events/events': { body: { action: 'login', app: 'probe' } },
  'AUTHENTIK GET /api/v3/events/events': {},
  'AUTHENTIK GET /api/v3/events/events/actions': {},
  'AUTHENTIK GET /api/v3/events/events/top_per_user': { query: '?action=login' },
  'AUTHENTIK GET /api/v3/events/events/volume': {},
  'AUTHENTIK GET /api/v3/events/events/stats': { query: '?count_steps=days=1' },
  'AUTHENTIK POST /api/v3/events/events/export': { body: {} },
  'AUTHENTIK GET /api/v3/events/events/:uuid': { params: byUuid },
  'AUTHENTIK DELETE /api/v3/events/events/:uuid': { params: byUuid, own: [204, 404] },
  'AUTHENTIK GET /api/v3/reports/exports/:uuid': { params: byUuid, own: [404] },
  'AUTHENTIK GET /api/v3/reports/exports/:uuid/events.ndjson': { params: byUuid, own: [404] },
};

/** Trades a client's id and secret for a token: no workspace is reached, and wrong ones buy none. */
export const WITHOUT_REACH = 'GENESYS POST /oauth/token';

export const ROUTES = createDoors(
  { logshEventsPerSecond: 1_000, logspaceOrder: null },
  {
    sealingKey: Buffer.alloc(32),
  },
).flatMap(({ name, routes }) =>
  routes.map(({ method, path }) => ({
    name: `${name} ${method} ${path}`,
    door: name,
    method,
    path,
  })),
);

/** The one spelling of a path that the table has. */
export function canonical(name: string): string {
  const [door, method, path = ''] = name.split(' ');
  const short = path
    .replace('/api/v3//', '/api/v3/')
    .replace(/^\/auditlog/, '')
    .replace(/\/$/, '');
  return `${door} ${method} ${door === 'LOGSPACE' ? short.replace(/^\/api\//, '/') : short}`;
}

export type Route = (typeof ROUTES)[number];

/** The header that carries a key to a route; where the body does, see `withKey`. */
export function credentialOf({ door }: Route, key: string): Record<string, string> {
  if (door === 'POSTHOG') return {};
  if (door === 'LOGSPACE') return { 'logspace.space-token': key };
  const isBasic = door === 'SEGMENT';
  return { authorization: isBasic ? `Basic ${btoa(`${key}:`)}` : `Bearer ${key}` };
}

/** The body that is sent with a key, in which some doors have it. */
export function withKey({ door }: Route, body: object, key: string): object {
  return door === 'POSTHOG' ? { ...body, api_key: key } : body;
}
