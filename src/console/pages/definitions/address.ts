/** Where each view of this page stands in the address bar. */
import { pathTo } from '../../router/router.ts';

export const TABS = {
  definition: 'Definition',
  versions: 'Versions',
  samples: 'Sample code',
  quarantine: 'Quarantine',
};
export type TabName = keyof typeof TABS;

export function definitionPath(workspace: string, name: string, tab?: TabName): string {
  const search = tab === undefined || tab === 'definition' ? {} : { tab };
  return pathTo(workspace, 'definitions', [name], search);
}

export function listPath(workspace: string, tab?: 'quarantine'): string {
  return pathTo(workspace, 'definitions', [], tab === undefined ? {} : { tab });
}

export function tabOf(search: URLSearchParams): TabName {
  const tab = search.get('tab');
  return tab !== null && Object.hasOwn(TABS, tab) ? (tab as TabName) : 'definition';
}
