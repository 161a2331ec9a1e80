import { useRoute } from '../../router/router.ts';
import { DefinitionPage } from './definition-page.tsx';
import './definitions.css';
import { ListPage } from './list-page.tsx';

/** Every type of event, and each of them for itself. */
export function DefinitionsPage() {
  const [name] = useRoute().rest;
  return name === undefined ? <ListPage /> : <DefinitionPage key={name} name={name} />;
}
