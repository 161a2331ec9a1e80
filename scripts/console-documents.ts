/**
 * Every GraphQL document of the console, as it sends them: a gateway that executes trusted
 * documents alone knows them by these texts.
 */
import { formatDocument, stringifyDocument } from '@urql/core';
import { initGraphQLTada } from 'gql.tada';
import type { DocumentNode } from 'graphql';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const SOURCES = 'src/console';
const CALL = /(?:const (\w+) = )?\bgraphql\(\s*`([^`]*)`\s*(?:,\s*\[([\w,\s]*)\]\s*,?\s*)?\)/g;

const parse = initGraphQLTada() as unknown as (
  text: string,
  fragments: DocumentNode[],
) => DocumentNode;

/** Texts by the names of their operations. */
export function consoleDocuments(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
      .filter(name => /\.tsx?$/.test(name))
      .flatMap(name => documentsIn(join(SOURCES, name))),
  );
}

function documentsIn(file: string): [string, string][] {
  const source = readFileSync(file, 'utf8');
  const calls = [...source.matchAll(CALL)];
  // A call that is written otherwise must not be missing unseen.
  if (calls.length !== source.split(/\bgraphql\(/).length - 1) {
    throw new Error(`${file}: graphql() expects a template and a list of fragments of this file`);
  }
  const known = new Map<string, DocumentNode>();
  return calls.flatMap(([, constant = '', text = '', names = '']): [string, string][] => {
    const fragments = names.split(',').flatMap(name => known.get(name.trim()) ?? []);
    const document = parse(text, fragments);
    known.set(constant, document);
    const [, operation, name = ''] =
      /^\s*(query|mutation|subscription|fragment) (\w+)/.exec(text) ?? [];
    if (operation === 'fragment') return [];
    // Streams pass urql's cache by, which asks for the names of types.
    const sent = operation === 'subscription' ? document : formatDocument(document);
    return [[name, stringifyDocument(sent as DocumentNode)]];
  });
}

/** Writes them beside the built page. */
export function writeConsoleDocuments(): Plugin {
  return {
    name: 'sluice:console-documents',
    apply: 'build',
    generateBundle() {
      const source = `${JSON.stringify(consoleDocuments(), null, 2)}\n`;
      this.emitFile({ type: 'asset', fileName: 'documents.json', source });
    },
  };
}
