import type { DocumentNode } from 'graphql';
import type { EdgePlugin } from '../pipeline.ts';

export interface DocumentCacheLimits {
  readonly documentsMax: number;
  readonly charsMax: number;
}

/**
 * Remembers documents that were parsed and found valid, the least recently used leaving first.
 * Faulty ones are not kept at all: they would be a stranger's way to fill the memory, and an error
 * that is kept is shared by the transports, each of which marks it in its own way.
 */
export function useDocumentCache(limits: DocumentCacheLimits): EdgePlugin {
  const documents = new Map<string, DocumentNode>();
  const valid = new WeakSet<DocumentNode>();
  let chars = 0;

  function keep(source: string, document: DocumentNode): void {
    documents.set(source, document);
    chars += source.length;
    for (const oldest of documents.keys()) {
      if (documents.size <= limits.documentsMax && chars <= limits.charsMax) return;
      documents.delete(oldest);
      chars -= oldest.length;
    }
  }

  return {
    onParse({ params, setParsedDocument }) {
      const source = String(params.source);
      const known = documents.get(source);
      if (!known) return;
      documents.delete(source);
      documents.set(source, known);
      setParsedDocument(known);
    },
    onValidate({ params: { documentAST }, setResult, context }) {
      if (valid.has(documentAST)) return void setResult([]);
      return ({ valid: isValid }) => {
        if (!isValid || valid.has(documentAST)) return;
        valid.add(documentAST);
        keep(context.params.query, documentAST);
      };
    },
  };
}
