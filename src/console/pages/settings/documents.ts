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
    }
  }
`);

export type Settings = NonNullable<ResultOf<typeof WorkspaceSettings>['workspace']>;

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
