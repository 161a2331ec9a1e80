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
import type { ErrorCode } from '../../core/errors.ts';
import { declaredType } from '../../graphql/refused-value.ts';
import { withCode } from '../document.ts';
import { exceededLimit, type QueryLimits } from '../measure.ts';
import type { EdgePlugin } from '../pipeline.ts';
import { UnconditionalSubscriptionsRule } from '../unconditional-subscriptions.ts';

/** More tell nothing new, and each takes its time. */
const ERRORS_MAX = 10;

const RULES: readonly ValidationRule[] = [...specifiedRules, UnconditionalSubscriptionsRule].map(
  rule =>
    coded(rule, rule === ValuesOfCorrectTypeRule ? 'BAD_USER_INPUT' : 'GRAPHQL_VALIDATION_FAILED'),
);

/** Measures a document, then holds it against the schema; nothing is resolved before both. */
export function useValidation(limits: QueryLimits): EdgePlugin {
  return {
    onValidate({ setValidationFn }) {
      setValidationFn((schema, documentAST) => {
        const exceeded = exceededLimit(documentAST, limits);
        if (exceeded) return [new GraphQLError(exceeded.message, { originalError: exceeded })];
        return faultsOf(schema, documentAST).map(error =>
          error.extensions['code'] ? error : withCode(error, 'GRAPHQL_VALIDATION_FAILED'),
        );
      });
    },
  };
}

function faultsOf(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
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
