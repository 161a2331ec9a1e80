/** What every root field of the schema demands of a key, and how its reach is tried. */
import type { Place } from './world.ts';

export type Demand =
  | 'EVENTS_READ'
  | 'EVENTS_WRITE'
  | 'EVENTS_CONSUME'
  | 'EVENTS_READ_OR_CONSUME'
  | 'DEFINITIONS_WRITE'
  | 'ADMIN'
  | 'ADMIN_OF_ALL';

export interface Rule {
  /** The scope; null: any valid key. */
  readonly needs: Demand | null;
  /** A well-formed operation, of one's own. */
  readonly own: (mine: Place) => string;
  /**
   * One that names something of another place, by each argument that can: they are what
   * `POINTERS` lists. Absent: nothing can be named.
   */
  readonly reach?: Readonly<Record<string, (mine: Place, other: Place) => string>>;
  /** A list of whatever the key may see: a cursor of others may still page through that. */
  readonly showsOwn?: true;
}

const TIMEFRAME = 'timeframe: { last: "PT1H" }';

/** A list that takes a workspace and cursors. */
function listOf(field: string, type: string, needs: Demand, more = ''): Rule {
  const query = (args: string) => `{ ${field}(${args} ${more}) { edges { cursor node { id } } } }`;
  return {
    needs,
    own: ({ slug }) => query(`workspace: "${slug}"`),
    reach: {
      workspace: (_, { slug }) => query(`workspace: "${slug}"`),
      after: (mine, other) => query(`workspace: "${mine.slug}", after: "${other.cursors[type]}"`),
      before: (mine, other) => query(`workspace: "${mine.slug}", before: "${other.cursors[type]}"`),
    },
  };
}

/** The same, of what the log tells, which may be asked to be as new as an event. */
function listOfLog(field: string, type: string, needs: Demand, more = ''): Rule {
  const { reach, ...rule } = listOf(field, type, needs, more);
  const atLeast = (mine: Place, other: Place) =>
    `{ ${field}(workspace: "${mine.slug}", atLeast: "${other.cursors['Event']}" ${more}) { edges { cursor } } }`;
  return { ...rule, reach: { ...reach, atLeast } };
}

/** A list of all that a key may see. */
function listOfAll(field: string, type: string, needs: Demand): Rule {
  const query = (args: string) => `{ ${field}${args} { edges { cursor node { id name } } } }`;
  return {
    needs,
    showsOwn: true,
    own: () => query(''),
    reach: {
      after: (_, other) => query(`(after: "${other.cursors[type]}")`),
      before: (_, other) => query(`(before: "${other.cursors[type]}")`),
    },
  };
}

const mutation = (field: string, input: string, select: string) =>
  `mutation { ${field}(input: { ${input} }) { ${select} } }`;

/** A mutation in a workspace that may be named. */
function writing(field: string, needs: Demand, [input, select]: readonly [string, string]): Rule {
  const of = ({ slug }: Place) => mutation(field, `workspace: "${slug}", ${input}`, select);
  return { needs, own: of, reach: { 'input.workspace': (_, other) => of(other) } };
}

/** A mutation of things that are named by id. */
function byId(
  field: string,
  needs: Demand,
  { type, argument, select }: { type: string; argument: 'id' | 'ids'; select: string },
): Rule {
  const of = ({ ids }: Place) => {
    const id = JSON.stringify(ids[type]);
    return mutation(field, `${argument}: ${argument === 'ids' ? `[${id}]` : id}`, select);
  };
  return { needs, own: of, reach: { [`input.${argument}`]: (_, other) => of(other) } };
}

/** A mutation on the consumer of a workspace. */
function onConsumer(field: string, needs: Demand, input = '', select = 'consumer { id }'): Rule {
  return writing(field, needs, [`consumer: "worker" ${input}`, select]);
}

/** The same, of what is parked. */
function onParked(field: string, select: string): Rule {
  const of = ({ slug }: Place, ids: Place['ids']) =>
    mutation(
      field,
      `workspace: "${slug}", consumer: "worker", ids: ["${ids['ParkedDelivery']}"]`,
      select,
    );
  return {
    needs: 'ADMIN',
    own: mine => of(mine, mine.ids),
    reach: {
      'input.workspace': (mine, other) => of(other, mine.ids),
      'input.ids': (mine, other) => of(mine, other.ids),
    },
  };
}

/** A mutation that puts a consumer to a cursor. */
function placing(field: string, at: 'from' | 'to', naming: string): Rule {
  const of = ({ slug }: Place, place: string) =>
    mutation(field, `workspace: "${slug}", ${naming}, ${at}: { ${place} }`, 'consumer { id }');
  return {
    needs: 'ADMIN',
    own: mine => of(mine, 'start: NOW'),
    reach: {
      'input.workspace': (_, other) => of(other, 'start: NOW'),
      [`input.${at}.after`]: (mine, other) => of(mine, `after: "${other.cursors['Event']}"`),
    },
  };
}

/** Where nothing listens, and which is never resolved. */
const RECEIVER = 'url: "https://receiver.invalid/"';

/** A mutation on the webhook of a workspace. */
function onWebhook(field: string, input: string, select: string): Rule {
  return writing(field, 'ADMIN', [`consumer: "hook" ${input}`, select]);
}

/** A mutation on the notification rule of a workspace. */
function onRule(field: string, input: string, select: string): Rule {
  return writing(field, 'ADMIN', [`rule: "tell" ${input}`, select]);
}

/** Of a browser that nobody has, at a push service that is never resolved. */
const ENDPOINT = 'endpoint: "https://push.invalid/probe"';
const BROWSER = `${ENDPOINT}, keys: {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
  auth: "BTBZMqHH6r4Tts7J_aSIgg" }`;

export const RULES: Readonly<Record<string, Rule>> = {
  'Query.viewer': { needs: null, own: () => '{ viewer { workspace { slug } apiKey { name } } }' },
  'Query.status': { needs: 'ADMIN_OF_ALL', own: () => '{ status { version } }' },
  'Query.node': {
    needs: 'EVENTS_READ',
    own: ({ ids }) => `{ node(id: "${ids['Event']}") { id } }`,
    reach: {
      id: (_, { ids }) =>
        `{ ${Object.values(ids)
          .map((id, at) => `n${at}: node(id: "${id}") { __typename }`)
          .join(' ')} }`,
    },
  },
  'Query.nodes': {
    needs: 'EVENTS_READ',
    own: ({ ids }) => `{ nodes(ids: ["${ids['Event']}"]) { id } }`,
    reach: {
      ids: (_, { ids }) => `{ nodes(ids: ${JSON.stringify(Object.values(ids))}) { __typename } }`,
    },
  },
  'Query.workspace': {
    needs: 'EVENTS_READ',
    own: ({ slug }) => `{ workspace(slug: "${slug}") { id } }`,
    reach: { slug: (_, { slug }) => `{ workspace(slug: "${slug}") { id } }` },
  },
  'Query.workspaces': listOfAll('workspaces', 'Workspace', 'EVENTS_READ'),
  'Query.apiKeys': listOfAll('apiKeys', 'ApiKey', 'ADMIN'),
  'Query.event': {
    needs: 'EVENTS_READ',
    own: ({ slug, eventId }) => `{ event(workspace: "${slug}", eventId: "${eventId}") { id } }`,
    reach: {
      workspace: (_, { slug, eventId }) =>
        `{ event(workspace: "${slug}", eventId: "${eventId}") { id } }`,
      eventId: ({ slug }, { eventId }) =>
        `{ event(workspace: "${slug}", eventId: "${eventId}") { id } }`,
    },
  },
  'Query.events': listOfLog('events', 'Event', 'EVENTS_READ'),
  'Query.checkDefinition': {
    needs: 'EVENTS_READ',
    own: ({ slug, type }) =>
      `{ checkDefinition(workspace: "${slug}", name: "${type}") { isCompatible } }`,
    reach: {
      workspace: (_, { slug, type }) =>
        `{ checkDefinition(workspace: "${slug}", name: "${type}") { isCompatible } }`,
    },
  },
  'Query.eventDefinition': {
    needs: 'EVENTS_READ',
    own: ({ slug, type }) => `{ eventDefinition(workspace: "${slug}", name: "${type}") { id } }`,
    reach: {
      workspace: (_, { slug, type }) =>
        `{ eventDefinition(workspace: "${slug}", name: "${type}") { id } }`,
    },
  },
  'Query.eventDefinitions': listOf('eventDefinitions', 'EventDefinition', 'EVENTS_READ'),
  'Query.quarantinedEvents': listOf('quarantinedEvents', 'QuarantinedEvent', 'EVENTS_READ'),
  'Query.eventAggregates': listOfLog(
    'eventAggregates',
    'EventAggregate',
    'EVENTS_READ',
    `, input: { ${TIMEFRAME} }`,
  ),
  'Query.consumer': {
    needs: 'EVENTS_READ_OR_CONSUME',
    own: ({ slug }) => `{ consumer(workspace: "${slug}", name: "worker") { id } }`,
    reach: {
      workspace: (_, { slug }) =>
        `{ consumer(workspace: "${slug}", name: "worker") { id description } }`,
    },
  },
  'Query.consistencyProof': {
    needs: 'EVENTS_READ',
    own: ({ slug }) => `{ consistencyProof(workspace: "${slug}", from: 1) { hashes } }`,
    reach: {
      workspace: (_, { slug }) => `{ consistencyProof(workspace: "${slug}", from: 1) { hashes } }`,
    },
  },
  'Query.notificationRule': {
    needs: 'ADMIN',
    own: ({ slug }) => `{ notificationRule(workspace: "${slug}", name: "tell") { id } }`,
    reach: {
      workspace: (_, { slug }) =>
        `{ notificationRule(workspace: "${slug}", name: "tell") { id channels { __typename } } }`,
    },
  },
  'Query.notificationRules': listOf('notificationRules', 'NotificationRule', 'ADMIN'),
  'Query.pushPublicKey': { needs: 'EVENTS_READ', own: () => '{ pushPublicKey }' },
  'Query.pushSubscriptions': {
    needs: 'EVENTS_READ',
    own: () => '{ pushSubscriptions { endpoint } }',
  },
  'Query.consumers': listOf('consumers', 'Consumer', 'EVENTS_READ_OR_CONSUME'),
  'Query.meter': {
    needs: 'EVENTS_READ',
    own: ({ slug }) => `{ meter(workspace: "${slug}", name: "meter") { id } }`,
    reach: {
      workspace: (_, { slug }) => `{ meter(workspace: "${slug}", name: "meter") { id filter } }`,
    },
  },
  'Query.meters': listOf('meters', 'Meter', 'EVENTS_READ'),
  'Mutation.createMeter': writing('createMeter', 'DEFINITIONS_WRITE', [
    'name: "probe"',
    'meter { id filter }',
  ]),
  'Mutation.deleteMeter': writing('deleteMeter', 'DEFINITIONS_WRITE', [
    'meter: "meter"',
    'deletedName',
  ]),
  'Mutation.createConsumer': placing('createConsumer', 'from', 'name: "probe"'),
  'Mutation.createWebhook': placing(
    ...(['createWebhook', 'from', `name: "probe-webhook", ${RECEIVER}`] as const),
  ),
  'Mutation.updateWebhook': onWebhook('updateWebhook', 'timeout: "PT9S"', 'consumer { id }'),
  'Mutation.rotateWebhookSecret': onWebhook('rotateWebhookSecret', '', 'secret'),
  'Mutation.sendTestEvent': onWebhook('sendTestEvent', '', 'attempt { id error response }'),
  'Mutation.createNotificationRule': writing('createNotificationRule', 'ADMIN', [
    'name: "probe-rule", channels: [{ webPush: true }]',
    'rule { id }',
  ]),
  'Mutation.updateNotificationRule': onRule(
    'updateNotificationRule',
    ', quietFor: "PT9S"',
    'rule { id }',
  ),
  'Mutation.deleteNotificationRule': onRule('deleteNotificationRule', '', 'deletedName'),
  'Mutation.sendTestNotification': onRule('sendTestNotification', '', 'tests { address error }'),
  'Mutation.savePushSubscription': {
    needs: 'EVENTS_READ',
    own: () => mutation('savePushSubscription', BROWSER, 'subscription { endpoint }'),
  },
  'Mutation.deletePushSubscription': {
    needs: 'EVENTS_READ',
    own: () => mutation('deletePushSubscription', ENDPOINT, 'deleted'),
  },
  'Mutation.sendTestPush': writing('sendTestPush', 'EVENTS_READ', [
    ENDPOINT,
    'test { address error }',
  ]),
  'Mutation.seekConsumer': placing('seekConsumer', 'to', 'consumer: "worker"'),
  'Mutation.updateConsumer': onConsumer('updateConsumer', 'ADMIN', 'maxAttempts: 9'),
  'Mutation.pauseConsumer': onConsumer('pauseConsumer', 'ADMIN'),
  'Mutation.resumeConsumer': onConsumer('resumeConsumer', 'ADMIN'),
  'Mutation.pullEvents': onConsumer(
    ...(['pullEvents', 'EVENTS_CONSUME', '', 'deliveries { event { id payload } }'] as const),
  ),
  'Mutation.acknowledgeDeliveries': onConsumer(
    ...(['acknowledgeDeliveries', 'EVENTS_CONSUME', 'tokens: ["none"]'] as const),
  ),
  'Mutation.releaseDeliveries': onConsumer(
    ...(['releaseDeliveries', 'EVENTS_CONSUME', 'tokens: ["none"]'] as const),
  ),
  'Mutation.extendDeliveries': onConsumer(
    ...(['extendDeliveries', 'EVENTS_CONSUME', 'tokens: ["none"]', 'extendedCount'] as const),
  ),
  'Mutation.redeliverParked': onParked('redeliverParked', 'redeliveredCount'),
  'Mutation.discardParked': onParked('discardParked', 'discardedCount'),
  'Mutation.deleteConsumer': onConsumer('deleteConsumer', 'ADMIN', '', 'deletedName'),
  'Mutation.recordEvent': writing('recordEvent', 'EVENTS_WRITE', [
    'event: { id: "probe", type: "probe" }',
    'receipt { status }',
  ]),
  'Mutation.recordEvents': writing('recordEvents', 'EVENTS_WRITE', [
    'events: [{ id: "probe", type: "probe" }]',
    'recordedCount',
  ]),
  'Mutation.defineEvent': writing('defineEvent', 'DEFINITIONS_WRITE', [
    'name: "probe"',
    'definition { id }',
  ]),
  'Mutation.deleteEventDefinition': writing('deleteEventDefinition', 'DEFINITIONS_WRITE', [
    'name: "mine-alone.unused"',
    'deletedName',
  ]),
  'Mutation.redactEvents': writing('redactEvents', 'ADMIN', ['subject: "nobody"', 'redactedCount']),
  'Mutation.createStreamTicket': writing('createStreamTicket', 'EVENTS_READ', [
    'query: "subscription { events { kind } }"',
    'expiresAt',
  ]),
  'Mutation.createApiKey': writing('createApiKey', 'ADMIN', [
    'name: "probe", scopes: [EVENTS_READ]',
    'apiKey { id }',
  ]),
  'Mutation.updateApiKey': byId('updateApiKey', 'ADMIN', {
    ...{ type: 'ApiKey', argument: 'id', select: 'apiKey { id eventsPerDay }' },
  }),
  'Mutation.rotateApiKey': byId('rotateApiKey', 'ADMIN', {
    ...{ type: 'ApiKey', argument: 'id', select: 'apiKey { id }' },
  }),
  'Mutation.revokeApiKey': byId('revokeApiKey', 'ADMIN', {
    ...{ type: 'ApiKey', argument: 'id', select: 'apiKey { id }' },
  }),
  'Mutation.resubmitQuarantinedEvents': byId('resubmitQuarantinedEvents', 'EVENTS_WRITE', {
    ...{ type: 'QuarantinedEvent', argument: 'ids', select: 'receipts { status }' },
  }),
  'Mutation.discardQuarantinedEvents': byId('discardQuarantinedEvents', 'ADMIN', {
    ...{ type: 'QuarantinedEvent', argument: 'ids', select: 'discardedCount' },
  }),
  'Mutation.createWorkspace': {
    needs: 'ADMIN_OF_ALL',
    own: () => mutation('createWorkspace', 'slug: "probe"', 'workspace { id }'),
  },
  'Mutation.updateWorkspace': {
    needs: 'ADMIN',
    own: ({ slug }) => mutation('updateWorkspace', `slug: "${slug}"`, 'workspace { id }'),
    reach: {
      'input.slug': (_, { slug }) =>
        mutation('updateWorkspace', `slug: "${slug}", name: "probe"`, 'workspace { id }'),
    },
  },
  'Mutation.deleteWorkspace': {
    needs: 'ADMIN_OF_ALL',
    own: ({ slug }) =>
      mutation('deleteWorkspace', `slug: "${slug}", confirmSlug: "${slug}"`, 'deletedSlug'),
    reach: {
      'input.slug': (_, { slug }) =>
        mutation('deleteWorkspace', `slug: "${slug}", confirmSlug: "${slug}"`, 'deletedSlug'),
    },
  },
  'Subscription.events': {
    needs: 'EVENTS_READ',
    own: ({ slug }) => `subscription { events(workspace: "${slug}", start: BEGINNING) { kind } }`,
    reach: {
      workspace: (_, { slug }) =>
        `subscription { events(workspace: "${slug}", start: BEGINNING) { kind node { id } } }`,
      after: (mine, other) =>
        `subscription { events(workspace: "${mine.slug}", after: "${other.cursors['Event']}") { kind node { id } } }`,
    },
  },
  'Subscription.deliveries': {
    needs: 'EVENTS_CONSUME',
    own: ({ slug }) =>
      `subscription { deliveries(workspace: "${slug}", consumer: "worker") { token } }`,
    reach: {
      workspace: (_, { slug }) =>
        `subscription { deliveries(workspace: "${slug}", consumer: "worker") { token event { id } } }`,
    },
  },
  'Subscription.eventAggregates': {
    needs: 'EVENTS_READ',
    own: ({ slug }) =>
      `subscription { eventAggregates(workspace: "${slug}", input: { ${TIMEFRAME} }) { snapshot } }`,
    reach: {
      workspace: (_, { slug }) =>
        `subscription { eventAggregates(workspace: "${slug}", input: { ${TIMEFRAME} }) { snapshot } }`,
    },
  },
};

/**
 * Arguments that sound as if they named something, but do not: they choose among what the
 * workspace holds, or give a name to something new.
 */
export const HARMLESS: ReadonlySet<string> = new Set([
  'Mutation.recordEvent(input.event.id)',
  'Mutation.recordEvent(input.event.groupId)',
  'Mutation.recordEvent(input.event.parentId)',
  'Mutation.recordEvents(input.events.id)',
  'Mutation.recordEvents(input.events.groupId)',
  'Mutation.recordEvents(input.events.parentId)',
  'Mutation.redactEvents(input.eventIds)',
  'Mutation.createWorkspace(input.slug)',
  'Mutation.updateWorkspace(input.newSlug)',
  'Mutation.deleteWorkspace(input.confirmSlug)',
]);
