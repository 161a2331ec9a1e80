/** Who is signed in, and what they may do. */
import { createContext, use } from 'react';
import { graphql, type ResultOf } from './graphql.ts';

export const ViewerQuery = graphql(`
  query Viewer {
    viewer {
      scopes
      apiKey {
        name
        prefix
      }
      workspace {
        id
        slug
        name
        timeZone
      }
    }
  }
`);

export type Viewer = ResultOf<typeof ViewerQuery>['viewer'];
type Scope = Viewer['scopes'][number];

const ViewerContext = createContext<Viewer | null>(null);
export const ViewerProvider = ViewerContext.Provider;

export function useViewer(): Viewer {
  const viewer = use(ViewerContext);
  if (!viewer) throw new Error('outside of a session');
  return viewer;
}

/** ADMIN holds every other scope. */
export function may({ scopes }: Viewer, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('ADMIN');
}
