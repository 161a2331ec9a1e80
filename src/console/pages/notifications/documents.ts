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

export const CreateRule = graphql(`
  mutation CreateRule($input: CreateNotificationRuleInput!) {
    createNotificationRule(input: $input) {
      rule {
        id
        name
      }
    }
  }
`);

export type RuleInput = VariablesOf<typeof CreateRule>['input'];

export const UpdateRule = graphql(`
  mutation UpdateRule($input: UpdateNotificationRuleInput!) {
    updateNotificationRule(input: $input) {
      rule {
        id
        name
        enabled
      }
    }
  }
`);

export const DeleteRule = graphql(`
  mutation DeleteRule($input: DeleteNotificationRuleInput!) {
    deleteNotificationRule(input: $input) {
      deletedName
    }
  }
`);

export const TestRule = graphql(`
  mutation TestRule($input: SendTestNotificationInput!) {
    sendTestNotification(input: $input) {
      tests {
        address
        error
        durationMs
      }
    }
  }
`);

export const TestBrowser = graphql(`
  mutation TestBrowser($input: SendTestPushInput!) {
    sendTestPush(input: $input) {
      test {
        address
        error
        durationMs
      }
    }
  }
`);
