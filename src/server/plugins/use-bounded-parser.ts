import { parseDocument, type DocumentLimits } from '../document.ts';
import type { EdgePlugin } from '../pipeline.ts';

/** Bounds a document before the parser sees it, and gives its faults their codes. */
export function useBoundedParser(limits: DocumentLimits): EdgePlugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string) => parseDocument(source, limits));
    },
  };
}
