import { graphql, type ResultOf } from '../../api/graphql.ts';

export const Keys = graphql(`
  query Keys {
    apiKeys(first: 1000) {
      nodes {
        id
        name
        prefix
        scopes
        createdAt
        lastUsedAt
        expiresAt
        revokedAt
        eventsPerDay
        eventsPerMonth
        usage {
          today
          dayRenewsAt
          thisMonth
          monthRenewsAt
        }
        workspace {
          id
          slug
          name
        }
      }
    }
  }
`);

export type Key = ResultOf<typeof Keys>['apiKeys']['nodes'][number];

export const CreateKey = graphql(`
  mutation CreateKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      secret
      apiKey {
        id
        name
      }
    }
  }
`);

export const UpdateKey = graphql(`
  mutation UpdateKey($input: UpdateApiKeyInput!) {
    updateApiKey(input: $input) {
      apiKey {
        id
        eventsPerDay
        eventsPerMonth
      }
    }
  }
`);

export const RevokeKey = graphql(`
  mutation RevokeKey($id: ID!, $force: Boolean!) {
    revokeApiKey(input: { id: $id, force: $force }) {
      apiKey {
        id
        revokedAt
      }
    }
  }
`);

export const WorkspaceSettings = graphql(`
  query WorkspaceSettings($slug: String!) {
    workspace(slug: $slug) {
      id
      slug
      name
      retentionDays
      dedupeDays
      timeZone
      unknownTypes
      searchIndex
      searchIndexPosition
      headPosition
    }
  }
`);

export type Settings = NonNullable<ResultOf<typeof WorkspaceSettings>['workspace']>;

/** All of them, for those who may make and delete them. */
export const ListedWorkspaces = graphql(`
  query ListedWorkspaces($after: String) {
    workspaces(first: 100, after: $after) {
      nodes {
        id
        slug
        name
        createdAt
        retentionDays
        headPosition
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export type ListedWorkspace = ResultOf<typeof ListedWorkspaces>['workspaces']['nodes'][number];

export const DeleteWorkspace = graphql(`
  mutation DeleteWorkspace($slug: String!, $confirmSlug: String!) {
    deleteWorkspace(input: { slug: $slug, confirmSlug: $confirmSlug }) {
      deletedSlug
    }
  }
`);

export const RedactEvents = graphql(`
  mutation RedactEvents($input: RedactEventsInput!) {
    redactEvents(input: $input) {
      redactedCount
    }
  }
`);

export const UpdateWorkspace = graphql(`
  mutation UpdateWorkspace($input: UpdateWorkspaceInput!) {
    updateWorkspace(input: $input) {
      workspace {
        id
        name
      }
    }
  }
`);

export const CreateWorkspace = graphql(`
  mutation CreateWorkspace($input: CreateWorkspaceInput!) {
    createWorkspace(input: $input) {
      workspace {
        id
        slug
      }
    }
  }
`);
