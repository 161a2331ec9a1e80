import { graphql, type ResultOf } from '../../api/graphql.ts';

export const WorkspaceStatus = graphql(`
  query WorkspaceStatus($workspace: String!, $lastHour: EventAggregateInput!) {
    workspace(slug: $workspace) {
      id
      headPosition
      tailPosition
      retentionDays
    }
    newest: events(workspace: $workspace, first: 1) {
      nodes {
        id
        recordedAt
      }
    }
    eventAggregates(workspace: $workspace, input: $lastHour, first: 200) {
      nodes {
        id
        start
        count
      }
    }
  }
`);

export const GatewayStatus = graphql(`
  query GatewayStatus {
    status {
      version
      startedAt
      waitingEvents
      streams {
        open
        catchingUp
        lagEvents
        lagSeconds
      }
      storage {
        usedBytes
        bytesPerDay
        freeBytes
      }
    }
  }
`);

export type Gateway = ResultOf<typeof GatewayStatus>['status'];
