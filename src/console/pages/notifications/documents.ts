import { graphql, type ResultOf, type VariablesOf } from '../../api/graphql.ts';

export const Rules = graphql(`
  query Rules($workspace: String!, $first: Int, $after: String, $last: Int, $before: String) {
    notificationRules(
      workspace: $workspace
      first: $first
      after: $after
      last: $last
      before: $before
    ) {
      nodes {
        id
        name
        enabled
        filter
        quietFor
        lastNotifiedAt
        waitingCount
        lastError
        threshold {
          count
          within
          comparison
        }
        channels {
          __typename
          ... on WebPushChannel {
            subscriptionCount
          }
          ... on EmailChannel {
            to
          }
          ... on WebhookChannel {
            url
            format
          }
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

export type Rule = ResultOf<typeof Rules>['notificationRules']['nodes'][number];
export type Channel = Rule['channels'][number];

/** What each change answers: the page asks for the rest again. */
const ChangedRule = graphql(`
  fragment ChangedRule on NotificationRule @_unmask {
    id
    name
    enabled
  }
`);

/** What came of a test at one address. */
const TestedAddress = graphql(`
  fragment TestedAddress on NotificationTest @_unmask {
    address
    error
    durationMs
  }
`);

export const CreateRule = graphql(
  `
    mutation CreateRule($input: CreateNotificationRuleInput!) {
      createNotificationRule(input: $input) {
        rule {
          ...ChangedRule
        }
      }
    }
  `,
  [ChangedRule],
);

export type RuleInput = VariablesOf<typeof CreateRule>['input'];

export const UpdateRule = graphql(
  `
    mutation UpdateRule($input: UpdateNotificationRuleInput!) {
      updateNotificationRule(input: $input) {
        rule {
          ...ChangedRule
        }
      }
    }
  `,
  [ChangedRule],
);

export const DeleteRule = graphql(`
  mutation DeleteRule($input: DeleteNotificationRuleInput!) {
    deleteNotificationRule(input: $input) {
      deletedName
    }
  }
`);

export const TestRule = graphql(
  `
    mutation TestRule($input: SendTestNotificationInput!) {
      sendTestNotification(input: $input) {
        tests {
          ...TestedAddress
        }
      }
    }
  `,
  [TestedAddress],
);

export const TestBrowser = graphql(
  `
    mutation TestBrowser($input: SendTestPushInput!) {
      sendTestPush(input: $input) {
        test {
          ...TestedAddress
        }
      }
    }
  `,
  [TestedAddress],
);
