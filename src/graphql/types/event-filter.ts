/** `EventFilter` and what it is made of. Its shape is `core/filter.ts`. */
import type { Door } from '../../core/event.ts';
import type { EventFilter } from '../../core/filter.ts';
import { LIMITS } from '../../core/limits.ts';
import { builder } from '../builder.ts';
import { enumValues } from '../enum-values.ts';

export const DoorEnum = builder.enumType('Door', {
  description: 'The way an event came in: this API, or a foreign one that the gateway speaks.',
  values: enumValues<Door>({
    GRAPHQL: 'This GraphQL API.',
    IMPORT: 'An import from files with the command line.',
    SPEAKEASY: 'The Speakeasy event API.',
    LOGSPACE: 'The Logspace event API.',
    AUTHENTIK: 'The authentik event API.',
    LOGSH: 'The Logsh event API.',
    CLOUDEVENTS: 'CloudEvents 1.0 over HTTP.',
  }),
});

const DateTimeRangeInput = builder.inputType('DateTimeRange', {
  description: 'A span of time, half open: from <= t < to.',
  fields: t => ({
    from: t.field({ type: 'DateTime', description: 'The first instant. Default: no bound.' }),
    to: t.field({
      type: 'DateTime',
      description: 'The end, itself not included. Default: no bound.',
    }),
  }),
});
export { DateTimeRangeInput };

const PropertyFilterInput = builder.inputType('PropertyFilter', {
  description:
    'One condition on a payload value; all that are given must hold. Numbers compare with ' +
    'numbers, text with text by code point; other pairs never match.',
  fields: t => ({
    path: t.stringList({
      required: true,
      description:
        'Keys from the top of the payload to the value, such as `["order", "total"]`; a number ' +
        'in decimal digits steps into a list, from 0.',
    }),
    equals: t.field({ type: 'JSON', description: 'The value is this one.' }),
    notEquals: t.field({ type: 'JSON', description: 'There is a value, and it is not this one.' }),
    in: t.field({ type: ['JSON'], description: 'The value is one of these.' }),
    greaterThan: t.field({ type: 'JSON', description: 'The value is greater than this one.' }),
    greaterThanOrEqual: t.field({
      type: 'JSON',
      description: 'The value is this one or greater.',
    }),
    lessThan: t.field({ type: 'JSON', description: 'The value is less than this one.' }),
    lessThanOrEqual: t.field({ type: 'JSON', description: 'The value is this one or less.' }),
    contains: t.string({ description: 'The value is text that holds this text, case and all.' }),
    startsWith: t.string({
      description: 'The value is text that begins with this text, case and all.',
    }),
    exists: t.boolean({
      description: '`true`: there is a value, also null. `false`: there is none.',
    }),
  }),
});

export const EventFilterInput = builder.inputRef<EventFilter>('EventFilter').implement({
  description:
    'Which events: all that is given must hold, and nothing given chooses every event. Lists ' +
    `mean one of their values, hold at most ${LIMITS.filterValuesMax} of them, and choose ` +
    'nothing where they are empty.',
  fields: t => ({
    types: t.stringList({ description: 'The type is one of these names.' }),
    typePrefix: t.string({ description: 'The type begins with this text, such as `user.`.' }),
    sources: t.stringList({ description: 'The source is one of these.' }),
    subjects: t.stringList({ description: 'The subject is one of these.' }),
    actors: t.stringList({ description: 'The actor is one of these.' }),
    groupIds: t.stringList({ description: 'The group id is one of these.' }),
    parentIds: t.stringList({ description: 'The event id of the parent is one of these.' }),
    doors: t.field({ type: [DoorEnum], description: 'It came in one of these ways.' }),
    notify: t.boolean({ description: 'Whether somebody is to be notified of it.' }),
    success: t.boolean({
      description: 'Whether what it tells of succeeded; events that say neither never match.',
    }),
    clientIps: t.stringList({
      description: 'The client’s IP address is one of these, in whatever spelling.',
    }),
    occurredAt: t.field({ type: DateTimeRangeInput, description: 'When it happened.' }),
    recordedAt: t.field({ type: DateTimeRangeInput, description: 'When it was recorded.' }),
    payload: t.field({
      type: [PropertyFilterInput],
      description: 'Conditions on payload values, which must all hold.',
    }),
    search: t.string({
      description:
        'Words, each to be found in type, description, source, subject, actor or payload, ' +
        `without regard to ASCII case. At most ${LIMITS.searchCharsMax} characters.`,
    }),
    and: t.field({ type: [EventFilterInput], description: 'All of these filters hold.' }),
    or: t.field({ type: [EventFilterInput], description: 'At least one of these filters holds.' }),
    not: t.field({ type: EventFilterInput, description: 'This filter does not hold.' }),
  }),
});
