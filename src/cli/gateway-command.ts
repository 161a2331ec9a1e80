import { SluiceError } from '../client/index.ts';
import { clientFrom } from './gateway-connection.ts';
import { suggestion } from './near.ts';
import type { ConnectionOptions } from './options.ts';

const WORKSPACES = '{ workspaces(first: 1000) { nodes { slug } } }';

/** Runs what speaks with a gateway; a workspace that is not there is told with those that are. */
export async function atGateway<T>(options: ConnectionOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw (await aboutWorkspace(error, options)) ?? error;
  }
}

async function aboutWorkspace(error: unknown, options: ConnectionOptions) {
  const { workspace } = options;
  if (!(error instanceof SluiceError)) return null;
  if (error.code === 'WORKSPACE_REQUIRED') {
    return new SluiceError(error.code, `${error.message} Use --workspace.`);
  }
  if (error.code !== 'NOT_FOUND') return null;
  if (workspace === undefined || !error.message.includes('workspace')) return null;
  try {
    const { workspaces } = await clientFrom(options).query<{
      workspaces: { nodes: { slug: string }[] };
    }>(WORKSPACES);
    const slugs = workspaces.nodes.map(({ slug }) => slug);
    const near = suggestion(workspace, slugs) || `: there are ${slugs.slice(0, 10).join(', ')}.`;
    const message = `There is no workspace ${JSON.stringify(workspace)} for this key${near}`;
    return new SluiceError('NOT_FOUND', message);
  } catch {
    return null;
  }
}
