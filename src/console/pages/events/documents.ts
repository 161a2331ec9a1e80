import { graphql, type ResultOf } from '../../api/graphql.ts';

const RowFields = graphql(`
  fragment RowFields on Event {
    eventId
    position
    cursor
    type
    occurredAt
    recordedAt
    source
    subject
    actor
    groupId
    door
    clientIp
    description
    icon
    notify
    success
    payload
  }
`);

/** A page of events, newest first, and where the stream goes on. */
export const EventPage = graphql(
  `
    query EventPage($workspace: String!, $filter: EventFilter, $order: EventOrder, $after: String) {
      events(workspace: $workspace, filter: $filter, order: $order, first: 200, after: $after) {
        nodes {
          ...RowFields
        }
        pageInfo {
          hasNextPage
          endCursor
        }
        liveCursor
      }
    }
  `,
  [RowFields],
);

/** How many of each type there were in each bar of the chart. */
export const EventCounts = graphql(`
  query EventCounts($workspace: String!, $input: EventAggregateInput!, $after: String) {
    eventAggregates(workspace: $workspace, input: $input, first: 1000, after: $after) {
      asOf
      pageInfo {
        hasNextPage
        endCursor
      }
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

/** All of each event, for files. */
export const EventExport = graphql(`
  query EventExport($workspace: String!, $filter: EventFilter, $order: EventOrder, $after: String) {
    events(workspace: $workspace, filter: $filter, order: $order, first: 1000, after: $after) {
      nodes {
        eventId
        type
        occurredAt
        recordedAt
        expiresAt
        source
        subject
        actor
        description
        icon
        notify
        success
        clientIp
        parentId
        groupId
        door
        payload
        position
        cursor
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

/** Which types have a category. */
export const LiveEvents = graphql(
  `
    subscription LiveEvents($workspace: String!, $filter: EventFilter, $after: String!) {
      events(workspace: $workspace, filter: $filter, after: $after, checkpoints: true) {
        kind
        cursor
        position
        node {
          ...RowFields
        }
      }
    }
  `,
  [RowFields],
);

export type RecordedEvent = ResultOf<typeof EventPage>['events']['nodes'][number];
export type ExportedEvent = ResultOf<typeof EventExport>['events']['nodes'][number];
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

/** That an event is in the log as it was recorded, apart from its details: it may not be there yet. */
export const EventProof = graphql(`
  query EventProof($workspace: String!, $eventId: String!) {
    event(workspace: $workspace, eventId: $eventId) {
      id
      inclusionProof {
        index
        size
        leafHash
        hashes
        envelope
        commitment
        salt
        content
        checkpoint {
          note
          verifierKey
        }
      }
    }
  }
`);

type ProvenEvent = NonNullable<ResultOf<typeof EventProof>['event']>;
export type EventInclusionProof = NonNullable<ProvenEvent['inclusionProof']>;
