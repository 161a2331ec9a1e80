import { graphql, type ResultOf } from '../../api/graphql.ts';

export const WorkspaceStatus = graphql(`
  query WorkspaceStatus($workspace: String!) {
    workspace(slug: $workspace) {
      id
      headPosition
      tailPosition
      retentionDays
      evidence
      checkpoint {
        size
        createdAt
      }
      recordings {
        uncountedEvents
        lastHour {
          start
          count
        }
      }
      quarantinedEvents(first: 0) {
        totalCount
      }
    }
    newest: events(workspace: $workspace, first: 1) {
      nodes {
        id
        recordedAt
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
      refusals {
        requests
        rejectedEvents
        conflictingEvents
      }
      upkeep {
        faults {
          step
          since
          message
          workspace {
            id
            name
          }
        }
      }
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
