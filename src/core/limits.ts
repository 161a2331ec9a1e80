/**
 * Every bound in the system that is not a setting, with its unit in its name. Bounds that an
 * operator may move are settings (`config.ts`) and take their defaults from here.
 */
export const LIMITS = {
  /** One request. */
  bodyBytesMax: 10_485_760,
  batchEventsMax: 10_000,
  documentCharsMax: 64_000,
  documentTokensMax: 4_000,
  documentBracketsMax: 100,
  queryDepthMax: 15,
  aliasesMax: 30,
  directivesMax: 50,
  rootFieldsMax: 20,
  /** Values of one answer, every page full: each takes some microseconds. */
  queryCostMax: 250_000,
  /** Texts of one answer, and what is read for it. */
  answerBytesMax: 33_554_432,

  /** One event. A btree entry holds some 2,700 bytes: indexed texts stay far below. */
  eventIdBytesMax: 256,
  typeBytesMax: 1_000,
  indexedTextBytesMax: 256,
  descriptionBytesMax: 8_000,
  payloadBytesMax: 262_144,
  payloadDepthMax: 32,
  payloadKeysMax: 2_000,
  payloadKeyBytesMax: 256,
  /** Written without an exponent. Every double fits: the smallest takes some 340. */
  numberDigitsMax: 400,
  /** Years that every reader's date type holds. */
  yearMin: 1,
  yearMax: 9999,

  /** Reading. */
  pageSizeDefault: 50,
  pageSizeMax: 1_000,
  filterValuesMax: 1_000,
  filterNodesMax: 200,
  filterDepthMax: 10,
  searchCharsMax: 256,

  /** The writers: one flush, and what may wait for them. */
  flushEventsMax: 1_000,
  flushBytesMax: 1_048_576,
  flushWorkspacesMax: 256,
  waitingEventsMax: 27_000,
  waitingBytesMax: 67_108_864,
  writers: 2,
  lockTimeoutMs: 2_000,

  /** The process: what it does at once, and what waits for its turn. */
  workRequestsMax: 1_000,
  workBytesMax: 33_554_432,
  workWaitingMax: 1_000,
  workWaitMs: 1_000,
  downloadsMax: 64,
  /** Connections, and those on which no valid key was shown yet: of all, and of one address. */
  connectionsMax: 20_000,
  unauthenticatedConnectionsMax: 4_000,
  unauthenticatedPerAddressMax: 1_000,
  /** Requests of one connection that wait for their answers. */
  pipelinedMax: 32,
  websocketInitBytesMax: 8_192,
  /** A body that is read before its sender is known, since its key stands in it. */
  strangerBodyBytesMax: 1_048_576,
  /** What waits for readers of streams that are behind. */
  unsentBytesMax: 67_108_864,
  /** A stream keeps what it was asked with, and looks through each event for what it searches. */
  subscriptionBytesMax: 131_072,
  streamSearchCharsMax: 8_192,
  streamContainsMax: 16,

  definitionsMax: 5_000,
  schemaCharsMax: 65_536,
  schemaSampleMax: 1_000,
  measuresMax: 20,
  /** Then what is in quarantine goes. */
  quarantineDays: 30,

  /** Keys and tickets. */
  keyAddressesMax: 100,
  keyOverlapDaysMax: 30,
  streamTicketSeconds: 60,
  streamResumableHours: 24,

  /** Meters: each is counted by the fold, and has rows for each of its groups. */
  metersMax: 20,
  meterNameBytesMax: 100,
  meterFilterBytesMax: 16_384,
  meterGroupKeysMax: 3,
  meterMeasuresMax: 10,
  meterSeriesMax: 100_000,
  meterSeriesDefault: 10_000,
  meterValueBytesMax: 256,

  /** Consumers. */
  consumersMax: 1_000,
  consumerNameBytesMax: 100,
  leaseSecondsMin: 1,
  leaseSecondsMax: 43_200,
  attemptsMax: 100,
  /** Leased and waiting: each costs a row that every pull looks at. */
  openDeliveriesMax: 10_000,
  parkedDeliveriesMax: 10_000,
  parkReasonBytesMax: 1_000,
  retryDelaySecondsMax: 604_800,
  pullEventsMax: 1_000,
  pullBytesMax: 4_194_304,
  pullWaitSecondsMax: 30,

  /** Webhooks. */
  webhookUrlBytesMax: 2_048,
  webhookHeadersMax: 20,
  webhookHeaderBytesMax: 4_096,
  webhookSecretBytesMin: 24,
  webhookSecretBytesMax: 64,
  webhookSecretHours: 24,
  webhookTimeoutSecondsMin: 1,
  webhookTimeoutSecondsMax: 60,
  webhookResponseBytesMax: 1_024,
  webhookRetryAfterSecondsMax: 86_400,
  webhookFailingDaysMax: 5,
  webhookAttemptsMax: 100,
  /** Requests at once: of the process, to one host, and of one webhook. */
  webhookRequestsMax: 250,
  webhookHostRequestsMax: 40,
  webhookParallelMax: 20,

  /** Notifications. */
  channelsMax: 10,
  emailAddressesMax: 10,
  emailBytesMax: 254,
  quietSecondsMax: 604_800,
  thresholdSecondsMin: 1,
  thresholdSecondsMax: 604_800,
  thresholdCountMax: 1_000_000_000,
  notificationsWaitingMax: 200,
  notificationTimeoutSeconds: 15,
  notificationRequestsMax: 100,
  notificationHostRequestsMax: 10,
  notificationRulesAtOnceMax: 500,
  emailsPerHourMax: 200,
  pushSubscriptionsMax: 10,
  pushPayloadBytesMax: 3_000,

  slugCharsMax: 63,
  keptSecretCharsMin: 16,
  keptSecretCharsMax: 256,
} as const;

/** What docs/limits.md says of each: what it bounds, and in which unit. */
export const LIMIT_MEANINGS: Readonly<Record<keyof typeof LIMITS, string>> = {
  bodyBytesMax: 'Bytes of a request body, after decompression.',
  batchEventsMax: 'Events in a request.',
  documentCharsMax: 'Characters in a GraphQL document.',
  documentTokensMax: 'Tokens in a GraphQL document.',
  documentBracketsMax: 'Depth of nested brackets in a GraphQL document.',
  queryDepthMax: 'Depth of nested fields in an operation.',
  aliasesMax: 'Aliases in a document.',
  directivesMax: 'Directives in a document.',
  rootFieldsMax: 'Root fields of an operation.',
  answerBytesMax: 'Bytes of all texts in an answer, and of what is read for it.',
  queryCostMax: 'Values in the answer to an operation, if every page is full.',
  eventIdBytesMax: 'Bytes of an event’s id.',
  typeBytesMax: 'Bytes of an event’s type.',
  indexedTextBytesMax: 'Bytes of source, subject, actor, groupId and parentId, each.',
  descriptionBytesMax: 'Bytes of an event’s description.',
  payloadBytesMax: 'Bytes of an event’s payload.',
  payloadDepthMax: 'Depth of nested objects and lists in a payload.',
  payloadKeysMax: 'Keys in a payload, at all depths.',
  payloadKeyBytesMax: 'Bytes of a key in a payload.',
  numberDigitsMax: 'Digits of a number in a payload or a filter, written without an exponent.',
  yearMin: 'The earliest year of a time.',
  yearMax: 'The latest year of a time.',
  pageSizeDefault: 'Items of a page by default.',
  pageSizeMax: 'Items of a page.',
  filterValuesMax: 'Values in one list of a filter.',
  filterNodesMax: 'Conditions in a filter.',
  filterDepthMax: 'Depth of nested filters.',
  searchCharsMax: 'Characters of a search text.',
  flushEventsMax: 'Events in a flush.',
  flushBytesMax: 'Bytes of a flush.',
  flushWorkspacesMax: 'Workspaces in a flush.',
  waitingEventsMax: 'Events that may wait to be recorded. More are refused as `OVERLOADED`.',
  waitingBytesMax: 'Bytes that may wait to be recorded. More are refused as `OVERLOADED`.',
  writers: 'Flushes that run at the same time.',
  lockTimeoutMs: 'Milliseconds that a statement waits for a lock.',
  workRequestsMax:
    'Requests in work at once. Fewer while the process is behind, and for large bodies.',
  workBytesMax:
    'Bytes held for requests in work: their bodies, and what is read for their answers.',
  workWaitingMax: 'Requests that may wait to be taken into work. More are refused as `OVERLOADED`.',
  workWaitMs:
    'Milliseconds that a request waits to be taken into work before it is refused as `OVERLOADED`.',
  downloadsMax: 'Downloads through doors at once. More are refused as `TOO_MANY_STREAMS`.',
  subscriptionBytesMax: 'Bytes of a request that subscribes, with its variables.',
  connectionsMax: 'Connections that may be open at once.',
  unauthenticatedConnectionsMax:
    'Connections on which no valid key was shown yet. Beyond this number the oldest is closed.',
  unauthenticatedPerAddressMax: 'The same from one address, unless `SLUICE_TRUST_PROXY` is set.',
  pipelinedMax:
    'Requests of one connection that wait for their answers. Beyond this number it is closed.',
  strangerBodyBytesMax:
    'Bytes of a body that has the key in it, after decompression: doors of Segment and PostHog.',
  websocketInitBytesMax: 'Bytes of a WebSocket before its `connection_init` is accepted.',
  unsentBytesMax:
    'Bytes that wait for slow readers of streams and WebSockets. Beyond this number such a stream or socket is cut. A stream resumes at its cursor.',
  streamSearchCharsMax: 'Characters of all words that the filter of a stream searches for.',
  streamContainsMax: 'Conditions with `contains` in the filter of a stream.',
  definitionsMax: 'Event definitions of a workspace.',
  schemaCharsMax: 'Characters of a payload schema.',
  schemaSampleMax: 'Recorded events against which a change of a payload schema is judged.',
  measuresMax: 'Measures of an event definition.',
  quarantineDays: 'Days that a quarantined event is kept.',
  keyAddressesMax: 'Address ranges of a key.',
  keyOverlapDaysMax: 'Days that a rotated key may remain valid.',
  streamTicketSeconds: 'Seconds in which a ticket can open a stream.',
  streamResumableHours: 'Hours after its opening in which a stream can be resumed with its ticket.',
  metersMax: 'Meters of a workspace. One more is refused as `METER_LIMIT`.',
  meterNameBytesMax: 'Bytes of a meter’s name.',
  meterFilterBytesMax: 'Bytes of a meter’s filter, as JSON.',
  meterGroupKeysMax: 'Dimensions and payload paths that a meter groups by.',
  meterMeasuresMax: 'Measures of a meter.',
  meterSeriesMax: 'Groups that a meter may be given. Further groups count as one, `other`.',
  meterSeriesDefault: 'Groups of a meter by default.',
  meterValueBytesMax: 'Bytes of a value that a meter groups by. Longer values are cut.',
  consumersMax: 'Consumers of a workspace. One more is refused as `CONSUMER_LIMIT`.',
  consumerNameBytesMax: 'Bytes of a consumer’s name.',
  leaseSecondsMin: 'Minimum seconds of a lease.',
  leaseSecondsMax: 'Maximum seconds of a lease.',
  attemptsMax: 'Attempts of a delivery before it is parked.',
  openDeliveriesMax:
    'Deliveries of a consumer that are leased or wait. At this number it takes no new events until some are settled.',
  parkedDeliveriesMax: 'Parked deliveries of a consumer. At this number it pauses itself.',
  parkReasonBytesMax: 'Bytes of the reason that a worker gives for a release.',
  retryDelaySecondsMax: 'Seconds that a released delivery may wait for its retry.',
  pullEventsMax: 'Events of a pull.',
  pullBytesMax:
    'Bytes of the events of a pull, as they are stored. At least one event is delivered.',
  pullWaitSecondsMax: 'Seconds that a pull may wait for events.',
  webhookUrlBytesMax: 'Bytes of a webhook’s URL.',
  webhookHeadersMax: 'Headers of a webhook.',
  webhookHeaderBytesMax: 'Bytes of the names and values of all headers of a webhook.',
  webhookSecretBytesMin: 'Minimum bytes of a webhook’s secret.',
  webhookSecretBytesMax: 'Maximum bytes of a webhook’s secret.',
  webhookSecretHours:
    'Hours after a rotation in which requests are signed with the previous secret too.',
  webhookTimeoutSecondsMin: 'Minimum seconds of a webhook’s timeout.',
  webhookTimeoutSecondsMax: 'Maximum seconds of a webhook’s timeout.',
  webhookResponseBytesMax: 'Bytes that are read of a receiver’s answer.',
  webhookRetryAfterSecondsMax: 'Seconds of a receiver’s `Retry-After` that are honoured.',
  webhookFailingDaysMax: 'Days without a success after which a webhook pauses itself.',
  webhookAttemptsMax: 'Attempts that are kept of a webhook. The oldest are deleted first.',
  webhookRequestsMax: 'Requests of all webhooks that a process makes at once.',
  webhookHostRequestsMax: 'Requests of webhooks to one host at once.',
  webhookParallelMax: 'Requests of one webhook at once. One while its receiver does not answer.',
  channelsMax: 'Channels of a notification rule.',
  emailAddressesMax: 'Addresses of an email channel.',
  emailBytesMax: 'Bytes of an email address.',
  quietSecondsMax: 'Seconds of `quietFor`.',
  thresholdSecondsMin: 'Minimum seconds of a threshold.',
  thresholdSecondsMax: 'Maximum seconds of a threshold.',
  thresholdCountMax: 'Events that a threshold counts to.',
  notificationsWaitingMax:
    'Notifications of a rule that wait to be sent to one address. Further ones are counted in the newest.',
  notificationTimeoutSeconds:
    'Seconds that a push service, a chat or a mail server has to take a notification.',
  notificationRequestsMax: 'Notifications that a process sends at once.',
  notificationHostRequestsMax: 'Notifications to one host at once.',
  notificationRulesAtOnceMax: 'Notification rules that a process works for at once.',
  emailsPerHourMax: 'Emails of one workspace that a process sends in an hour. Further ones wait.',
  pushSubscriptionsMax: 'Browsers of one key that take Web Push. One more replaces the oldest.',
  pushPayloadBytesMax: 'Bytes of a Web Push message.',
  slugCharsMax: 'Characters of a workspace’s slug.',
  keptSecretCharsMin: 'Minimum characters of a credential of your own.',
  keptSecretCharsMax: 'Maximum characters of a credential of your own.',
};
