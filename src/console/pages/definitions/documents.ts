import { graphql, type ResultOf, type VariablesOf } from '../../api/graphql.ts';

export const Definitions = graphql(`
  query Definitions($workspace: String!, $filter: EventDefinitionFilter!, $after: String) {
    eventDefinitions(workspace: $workspace, filter: $filter, first: 1000, after: $after) {
      totalCount
      nodes {
        id
        name
        title
        category
        status
        validation
        payloadSchema
        eventCount
        lastRecordedAt
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export type ListedDefinition = ResultOf<typeof Definitions>['eventDefinitions']['nodes'][number];

/** The last days of all that is listed. */
export const Trends = graphql(`
  query Trends($workspace: String!, $input: EventAggregateInput!) {
    eventAggregates(workspace: $workspace, input: $input, first: 1000) {
      nodes {
        id
        start
        count
        group {
          value
        }
      }
    }
  }
`);

const DefinitionFields = graphql(`
  fragment DefinitionFields on EventDefinition {
    id
    name
    title
    description
    category
    status
    payloadSchema
    validation
    compatibility
    version
    measures
    createdAt
    updatedAt
    firstRecordedAt
    lastRecordedAt
    eventCount
  }
`);

export const DefinitionByName = graphql(
  `
    query DefinitionByName($workspace: String!, $name: String!) {
      eventDefinition(workspace: $workspace, name: $name) {
        ...DefinitionFields
      }
    }
  `,
  [DefinitionFields],
);

export type Definition = NonNullable<ResultOf<typeof DefinitionByName>['eventDefinition']>;

export const DefineEvent = graphql(
  `
    mutation DefineEvent($input: DefineEventInput!) {
      defineEvent(input: $input) {
        definition {
          ...DefinitionFields
        }
      }
    }
  `,
  [DefinitionFields],
);

export type DefineInput = VariablesOf<typeof DefineEvent>['input'];

/** The newest events against a schema; without one, against that of the definition. */
export const CheckSchema = graphql(`
  query CheckSchema($workspace: String!, $type: String!, $schema: JSONObject) {
    events(workspace: $workspace, filter: { types: [$type] }, first: 100) {
      nodes {
        id
        eventId
        redactedAt
        payloadProblems(schema: $schema) {
          code
          message
          pointer
        }
      }
    }
  }
`);

/** By what the definition promises, or would promise: rules, and a sample of the events. */
export const JudgeSchema = graphql(`
  query JudgeSchema(
    $workspace: String!
    $type: String!
    $schema: JSONObject
    $compatibility: SchemaCompatibility!
  ) {
    checkDefinition(
      workspace: $workspace
      name: $type
      payloadSchema: $schema
      compatibility: $compatibility
    ) {
      isCompatible
      findings {
        direction
        pointer
        message
        isCertain
      }
      eventsChecked
      eventsBroken
      isCutShort
    }
  }
`);

export type Judgement = ResultOf<typeof JudgeSchema>['checkDefinition'];

export const SchemaVersions = graphql(`
  query SchemaVersions($workspace: String!, $name: String!, $after: String) {
    eventDefinition(workspace: $workspace, name: $name) {
      id
      schemaVersions(first: 21, after: $after) {
        edges {
          cursor
          node {
            version
            payloadSchema
            afterPosition
            createdAt
            createdBy {
              id
              name
            }
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  }
`);

type VersionPage = NonNullable<
  ResultOf<typeof SchemaVersions>['eventDefinition']
>['schemaVersions'];
export type SchemaVersion = VersionPage['edges'][number]['node'];

export type CheckedEvent = ResultOf<typeof CheckSchema>['events']['nodes'][number];

/** What a schema is proposed from. */
export const NewestPayloads = graphql(`
  query NewestPayloads($workspace: String!, $type: String!) {
    events(workspace: $workspace, filter: { types: [$type] }, first: 1000) {
      nodes {
        id
        redactedAt
        payload
      }
    }
  }
`);

export const NewestPayload = graphql(`
  query NewestPayload($workspace: String!, $type: String!) {
    events(workspace: $workspace, filter: { types: [$type] }, first: 1) {
      nodes {
        id
        payload
      }
    }
  }
`);

export const Quarantined = graphql(`
  query Quarantined(
    $workspace: String!
    $type: String
    $code: String
    $pointer: String
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    quarantinedEvents(
      workspace: $workspace
      type: $type
      code: $code
      pointer: $pointer
      first: $first
      after: $after
      last: $last
      before: $before
    ) {
      totalCount
      nodes {
        id
        receivedAt
        door
        event
        problems {
          severity
          code
          message
          pointer
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`);

/** What is wrong with all that is kept aside, and how often. */
export const QuarantineProblems = graphql(`
  query QuarantineProblems($workspace: String!, $type: String) {
    quarantinedEvents(workspace: $workspace, type: $type, first: 0) {
      totalCount
      problems {
        type
        code
        pointer
        message
        count
      }
    }
  }
`);

export type CountedProblem = ResultOf<
  typeof QuarantineProblems
>['quarantinedEvents']['problems'][number];

export type QuarantinedEvent = ResultOf<typeof Quarantined>['quarantinedEvents']['nodes'][number];
export type Problem = QuarantinedEvent['problems'][number];

export const Resubmit = graphql(`
  mutation Resubmit($ids: [ID!]!) {
    resubmitQuarantinedEvents(input: { ids: $ids }) {
      receipts {
        status
        problems {
          severity
          code
          message
          pointer
        }
      }
    }
  }
`);

/** With what somebody corrected in place of what came. */
export const ResubmitCorrected = graphql(`
  mutation ResubmitCorrected($ids: [ID!]!, $type: String!, $payload: JSONObject!) {
    resubmitQuarantinedEvents(input: { ids: $ids, type: $type, payload: $payload }) {
      receipts {
        status
        problems {
          severity
          code
          message
          pointer
        }
      }
    }
  }
`);

export const Discard = graphql(`
  mutation Discard($ids: [ID!]!) {
    discardQuarantinedEvents(input: { ids: $ids }) {
      discardedCount
    }
  }
`);
