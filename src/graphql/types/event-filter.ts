/** `EventFilter` and what it is made of. Its shape is `core/filter.ts`. */
import type { Door } from '../../core/event.ts';
import type { EventFilter } from '../../core/filter.ts';
import { LIMITS } from '../../core/limits.ts';
import { builder, enumValues } from '../builder.ts';

export const DoorEnum = builder.enumType('Door', {
  description:
    'The API through which an event was recorded: this one, or the API of another product.',
  values: enumValues<Door>({
    GRAPHQL: 'This GraphQL API.',
    IMPORT: 'An import from files with the command line.',
    SPEAKEASY: 'The Speakeasy event API.',
    LOGSPACE: 'The Logspace event API.',
    AUTHENTIK: 'The authentik event API.',
    LOGSH: 'The Logsh event API.',
    CLOUDEVENTS: 'CloudEvents 1.0 over HTTP.',
    OTLP: 'OpenTelemetry logs, by OTLP over HTTP.',
    SEGMENT: 'The Segment HTTP API.',
    POSTHOG: 'The PostHog capture API.',
    LOGSNAG: 'The LogSnag API.',
    RETRACED: 'The Retraced publisher API.',
  }),
});

const DateTimeRangeInput = builder.inputType('DateTimeRange', {
  description: 'A range of time: from <= t < to.',
  fields: t => ({
    from: t.field({ type: 'DateTime', description: 'The first instant. Default: no limit.' }),
    to: t.field({
      type: 'DateTime',
      description: 'The end, which is excluded. Default: no limit.',
    }),
  }),
});
export { DateTimeRangeInput };

const PropertyFilterInput = builder.inputType('PropertyFilter', {
  description:
    'A condition on a payload value. All given comparisons must hold. Numbers compare with ' +
    'numbers, and text with text by code point. Other pairs never match.',
  fields: t => ({
    path: t.stringList({
      required: true,
      description:
        'Keys from the top of the payload to the value, such as `["order", "total"]`. Decimal ' +
        'digits select an element of a list, from 0.',
    }),
    equals: t.field({ type: 'JSON', description: 'The value equals this one.' }),
    notEquals: t.field({
      type: 'JSON',
      description: 'There is a value, and it does not equal this one.',
    }),
    in: t.field({ type: ['JSON'], description: 'The value is one of these.' }),
    greaterThan: t.field({ type: 'JSON', description: 'The value is greater than this one.' }),
    greaterThanOrEqual: t.field({
      type: 'JSON',
      description: 'The value is greater than this one, or equal.',
    }),
    lessThan: t.field({ type: 'JSON', description: 'The value is less than this one.' }),
    lessThanOrEqual: t.field({
      type: 'JSON',
      description: 'The value is less than this one, or equal.',
    }),
    contains: t.string({
      description: 'The value is text that contains this text, case-sensitive.',
    }),
    startsWith: t.string({
      description: 'The value is text that begins with this text, case-sensitive.',
    }),
    exists: t.boolean({
      description: '`true`: there is a value, which may be null. `false`: there is none.',
    }),
  }),
});

export const EventFilterInput = builder.inputRef<EventFilter>('EventFilter').implement({
  description:
    'Selects events. All given conditions must hold. Without conditions it selects every event. ' +
    `A list means one of its values. It has at most ${LIMITS.filterValuesMax} values, and an ` +
    'empty list selects nothing.',
  fields: t => ({
    eventIds: t.stringList({ description: 'The event id is one of these.' }),
    types: t.stringList({ description: 'The type is one of these names.' }),
    typePrefix: t.string({ description: 'The type begins with this text, such as `user.`.' }),
    categories: t.stringList({
      description: 'The definition of the type has one of these categories now.',
    }),
    sources: t.stringList({ description: 'The source is one of these.' }),
    sourcePrefix: t.string({ description: 'The source begins with this text.' }),
    subjects: t.stringList({ description: 'The subject is one of these.' }),
    subjectPrefix: t.string({
      description: 'The subject begins with this text, such as `/shop/`.',
    }),
    actors: t.stringList({ description: 'The actor is one of these.' }),
    groupIds: t.stringList({ description: 'The group id is one of these.' }),
    parentIds: t.stringList({ description: 'The event id of the parent is one of these.' }),
    doors: t.field({ type: [DoorEnum], description: 'The event came through one of these doors.' }),
    notify: t.boolean({ description: 'Whether somebody should be notified.' }),
    success: t.boolean({
      description: 'Whether the action succeeded. Events that do not say never match.',
    }),
    successUnknown: t.boolean({
      description: 'True: the event does not say whether the action succeeded. False: it does.',
    }),
    clientIps: t.stringList({
      description: 'The client’s IP address is one of these, in any spelling.',
    }),
    occurredAt: t.field({ type: DateTimeRangeInput, description: 'When the event happened.' }),
    recordedAt: t.field({ type: DateTimeRangeInput, description: 'When the event was recorded.' }),
    payload: t.field({
      type: [PropertyFilterInput],
      description: 'Conditions on payload values, which must all hold.',
    }),
    search: t.string({
      description:
        'Words. Each must occur in type, description, source, subject, actor or payload. ASCII ' +
        `case is ignored. At most ${LIMITS.searchCharsMax} characters.`,
    }),
    and: t.field({ type: [EventFilterInput], description: 'All of these filters hold.' }),
    or: t.field({ type: [EventFilterInput], description: 'At least one of these filters holds.' }),
    not: t.field({ type: EventFilterInput, description: 'This filter does not hold.' }),
  }),
});
