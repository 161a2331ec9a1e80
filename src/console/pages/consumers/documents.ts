import { graphql, type ResultOf, type VariablesOf } from '../../api/graphql.ts';

export const Consumers = graphql(`
  query Consumers($workspace: String!, $first: Int, $after: String, $last: Int, $before: String) {
    consumers(workspace: $workspace, first: $first, after: $after, last: $last, before: $before) {
      nodes {
        id
        name
        description
        kind
        status
        pausedReason
        gonePosition
        lagEvents
        inFlightCount
        retryingCount
        parkedCount
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

export type ListedConsumer = ResultOf<typeof Consumers>['consumers']['nodes'][number];

/** The URL of a webhook is shown only to administrators, so only they query it. */
export const ConsumerByName = graphql(`
  query ConsumerByName($workspace: String!, $name: String!, $isAdmin: Boolean!) {
    consumer(workspace: $workspace, name: $name) {
      id
      name
      description
      kind
      status
      pausedReason
      filter
      orderedBy
      leaseDuration
      maxAttempts
      settledPosition
      cursor
      lagEvents
      gonePosition
      inFlightCount
      retryingCount
      parkedCount
      createdAt
      updatedAt
      webhook @include(if: $isAdmin) {
        url
        format
        timeout
        headers {
          name
          value
          secret
        }
        recentAttempts(first: 20) {
          id
          at
          eventId
          position
          attempt
          status
          error
          durationMs
          response
        }
      }
    }
  }
`);

export type Consumer = NonNullable<ResultOf<typeof ConsumerByName>['consumer']>;
export type Webhook = NonNullable<Consumer['webhook']>;
export type Attempt = Webhook['recentAttempts'][number];

export const Parked = graphql(`
  query Parked(
    $workspace: String!
    $name: String!
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    consumer(workspace: $workspace, name: $name) {
      id
      parkedDeliveries(first: $first, after: $after, last: $last, before: $before) {
        nodes {
          id
          attempts
          parkedAt
          reason
          event {
            id
            eventId
            type
            position
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
  }
`);

type ParkedPage = NonNullable<ResultOf<typeof Parked>['consumer']>['parkedDeliveries'];
export type ParkedDelivery = ParkedPage['nodes'][number];

/** The answer of each change. The page queries the rest again. */
const ChangedConsumer = graphql(`
  fragment ChangedConsumer on Consumer @_unmask {
    id
    name
    status
    settledPosition
  }
`);

export const CreateConsumer = graphql(
  `
    mutation CreateConsumer($input: CreateConsumerInput!) {
      createConsumer(input: $input) {
        consumer {
          ...ChangedConsumer
        }
      }
    }
  `,
  [ChangedConsumer],
);

export const UpdateConsumer = graphql(
  `
    mutation UpdateConsumer($input: UpdateConsumerInput!) {
      updateConsumer(input: $input) {
        consumer {
          ...ChangedConsumer
        }
      }
    }
  `,
  [ChangedConsumer],
);

export const CreateWebhook = graphql(
  `
    mutation CreateWebhook($input: CreateWebhookInput!) {
      createWebhook(input: $input) {
        secret
        consumer {
          ...ChangedConsumer
        }
      }
    }
  `,
  [ChangedConsumer],
);

export const UpdateWebhook = graphql(
  `
    mutation UpdateWebhook($input: UpdateWebhookInput!) {
      updateWebhook(input: $input) {
        consumer {
          ...ChangedConsumer
        }
      }
    }
  `,
  [ChangedConsumer],
);

export type WebhookInput = VariablesOf<typeof CreateWebhook>['input'];
export type ConsumerPlace = NonNullable<WebhookInput['from']>;

export const PauseConsumer = graphql(
  `
    mutation PauseConsumer($input: PauseConsumerInput!) {
      pauseConsumer(input: $input) {
        consumer {
          ...ChangedConsumer
        }
      }
    }
  `,
  [ChangedConsumer],
);

export const ResumeConsumer = graphql(
  `
    mutation ResumeConsumer($input: ResumeConsumerInput!) {
      resumeConsumer(input: $input) {
        consumer {
          ...ChangedConsumer
        }
      }
    }
  `,
  [ChangedConsumer],
);

export const SeekConsumer = graphql(
  `
    mutation SeekConsumer($input: SeekConsumerInput!) {
      seekConsumer(input: $input) {
        consumer {
          ...ChangedConsumer
        }
      }
    }
  `,
  [ChangedConsumer],
);

export const DeleteConsumer = graphql(`
  mutation DeleteConsumer($input: DeleteConsumerInput!) {
    deleteConsumer(input: $input) {
      deletedName
    }
  }
`);

export const RedeliverParked = graphql(`
  mutation RedeliverParked($input: RedeliverParkedInput!) {
    redeliverParked(input: $input) {
      redeliveredCount
    }
  }
`);

export const DiscardParked = graphql(`
  mutation DiscardParked($input: DiscardParkedInput!) {
    discardParked(input: $input) {
      discardedCount
    }
  }
`);

export const RotateWebhookSecret = graphql(`
  mutation RotateWebhookSecret($input: RotateWebhookSecretInput!) {
    rotateWebhookSecret(input: $input) {
      secret
      previousValidUntil
    }
  }
`);

export const SendTestEvent = graphql(`
  mutation SendTestEvent($input: SendTestEventInput!) {
    sendTestEvent(input: $input) {
      attempt {
        id
        status
        error
        durationMs
        response
      }
    }
  }
`);
