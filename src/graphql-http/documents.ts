/** Documents: parsed, held against the schema, and kept for the next request. */
import {
  GraphQLError,
  specifiedRules,
  validate,
  ValuesOfCorrectTypeRule,
  type DocumentNode,
  type GraphQLSchema,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../core/errors.ts';
import { declaredType } from '../graphql/refused-value.ts';
import { parseDocument, withCode, type DocumentLimits } from './document.ts';
import { exceededLimit, type QueryLimits } from './measure.ts';
import { JsonVariablesRule, UnconditionalSubscriptionsRule } from './validation-rules.ts';

export interface Documents {
  /** @throws GatewayError, GraphQLError, each with a code */
  parse(source: string): DocumentNode;
  /** What is wrong with a document; empty for a valid one. */
  validate(document: DocumentNode): readonly GraphQLError[];
}

/** A quarter of a thousand documents, as many as a handful of applications has. */
const CACHE = { max: 256, maxSize: 2_000_000 } as const;

/** More tell nothing new, and each takes its time. */
const ERRORS_MAX = 10;

const RULES: readonly ValidationRule[] = [
  ...specifiedRules,
  UnconditionalSubscriptionsRule,
  JsonVariablesRule,
].map(rule =>
  coded(rule, rule === ValuesOfCorrectTypeRule ? 'BAD_USER_INPUT' : 'GRAPHQL_VALIDATION_FAILED'),
);

/**
 * Only valid documents are kept. Faulty ones would let a stranger fill the memory, and a kept
 * error would be shared by requests that each mark it in their own way.
 */
export function createDocuments(
  schema: GraphQLSchema,
  limits: DocumentLimits & QueryLimits,
): Documents {
  const valid = new LRUCache<string, DocumentNode>({
    ...CACHE,
    sizeCalculation: (_document, source) => source.length + 1,
  });
  const known = new WeakSet<DocumentNode>();
  const sources = new WeakMap<DocumentNode, string>();

  return {
    parse(source) {
      const kept = valid.get(source);
      if (kept !== undefined) return kept;
      const document = parseDocument(source, limits);
      sources.set(document, source);
      return document;
    },
    validate(document) {
      if (known.has(document)) return [];
      const exceeded = exceededLimit(document, limits);
      if (exceeded) return [new GraphQLError(exceeded.message, { originalError: exceeded })];
      const faults = faultsOf(schema, document);
      if (faults.length === 0) {
        known.add(document);
        const source = sources.get(document);
        if (source !== undefined) valid.set(source, document);
      }
      return faults.map(error =>
        error.extensions['code'] ? error : withCode(error, 'GRAPHQL_VALIDATION_FAILED'),
      );
    },
  };
}

/** What is wrong with a document by the schema, at most ten faults. */
export function faultsOf(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  try {
    return validate(schema, document, RULES, { maxErrors: ERRORS_MAX });
  } catch (error) {
    // One rule evaluates `@skip` and `@include` of subscriptions, and throws where `if` is absent.
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

/** The same rule, whose errors carry a code, and which sees types as they are declared. */
function coded(rule: ValidationRule, code: ErrorCode): ValidationRule {
  return function codedRule(context: ValidationContext) {
    const usagesIn: ValidationContext['getRecursiveVariableUsages'] = operation =>
      context
        .getRecursiveVariableUsages(operation)
        .map(usage => ({ ...usage, type: usage.type && declaredType(usage.type) }));
    const reporting = Object.create(context, {
      reportError: { value: (error: GraphQLError) => context.reportError(withCode(error, code)) },
      getRecursiveVariableUsages: { value: usagesIn },
    }) as ValidationContext;
    return rule(reporting);
  };
}
