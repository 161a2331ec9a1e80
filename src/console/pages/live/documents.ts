import { graphql, type ResultOf, type VariablesOf } from '../../api/graphql.ts';

const LiveRowFields = graphql(`
  fragment LiveRowFields on Event {
    eventId
    position
    type
    occurredAt
    recordedAt
    source
    subject
    actor
    description
    icon
    notify
    success
    payload
  }
`);

/** The newest events, and where the stream goes on. */
export const LiveHistory = graphql(
  `
    query LiveHistory($workspace: String!, $filter: EventFilter) {
      events(workspace: $workspace, filter: $filter, first: 200) {
        nodes {
          ...LiveRowFields
        }
        liveCursor
      }
    }
  `,
  [LiveRowFields],
);

/** How many of each type there were in each of the last minutes. */
export const LiveCounts = graphql(`
  query LiveCounts($workspace: String!, $input: EventAggregateInput!) {
    eventAggregates(workspace: $workspace, input: $input, last: 1000) {
      asOf
      nodes {
        start
        count
        group {
          value
        }
      }
    }
  }
`);

export const LiveEvents = graphql(
  `
    subscription LiveEvents($workspace: String!, $filter: EventFilter, $after: String!) {
      events(workspace: $workspace, filter: $filter, after: $after, checkpoints: true) {
        kind
        cursor
        position
        node {
          ...LiveRowFields
        }
      }
    }
  `,
  [LiveRowFields],
);

export type LiveEvent = ResultOf<typeof LiveHistory>['events']['nodes'][number];
export type Delivery = ResultOf<typeof LiveEvents>['events'];

const RelatedFields = graphql(`
  fragment RelatedFields on Event {
    id
    eventId
    parentId
    type
    icon
    description
    success
    occurredAt
    position
  }
`);

export const EventDetail = graphql(
  `
    query EventDetail($workspace: String!, $eventId: String!) {
      event(workspace: $workspace, eventId: $eventId) {
        ...RelatedFields
        recordedAt
        expiresAt
        redactedAt
        source
        subject
        actor
        notify
        clientIp
        groupId
        door
        payload
        definition {
          title
          category
        }
        properties {
          name
          type
          values
        }
        parent {
          ...RelatedFields
        }
        children(first: 50) {
          nodes {
            ...RelatedFields
          }
          pageInfo {
            hasNextPage
          }
        }
        groupEvents(first: 50) {
          nodes {
            ...RelatedFields
          }
          pageInfo {
            hasNextPage
          }
        }
      }
    }
  `,
  [RelatedFields],
);

export type EventDetails = NonNullable<ResultOf<typeof EventDetail>['event']>;
export type RelatedEvent = NonNullable<EventDetails['parent']>;

export type EventFilter = NonNullable<VariablesOf<typeof LiveEvents>['filter']>;
