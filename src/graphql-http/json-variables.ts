import { getNamedType, GraphQLError, typeFromAST, type ValidationRule } from 'graphql';

/** Types whose values, once they are parsed, are what came as JSON. */
const AS_SENT: ReadonlySet<string> = new Set([
  ...['Boolean', 'Float', 'ID', 'Int', 'JSON', 'JSONObject', 'SafeInt', 'String'],
]);

/**
 * A variable inside a JSON literal is of a type that is JSON itself. Of a DateTime or a Duration
 * only the parsed value would be stored, which is not what was sent: another instant's text, or a
 * number of milliseconds.
 */
export const JsonVariablesRule: ValidationRule = context => ({
  OperationDefinition: {
    leave(operation) {
      const definitions = operation.variableDefinitions ?? [];
      // Only inside the literal of a scalar a variable has no type by its place.
      for (const { node, type } of context.getRecursiveVariableUsages(operation)) {
        const name = node.name.value;
        const definition = definitions.find(({ variable }) => variable.name.value === name);
        if (type != null || definition === undefined) continue;
        const given = typeFromAST(context.getSchema(), definition.type as never);
        const typeName = given === undefined ? 'String' : getNamedType(given).name;
        if (AS_SENT.has(typeName)) continue;
        const message =
          `Variable "$${name}" is inside a JSON value, which does not keep a ${typeName} as ` +
          'it was sent. Declare the variable as JSON or String.';
        context.reportError(new GraphQLError(message, { nodes: [definition, node] }));
      }
    },
  },
});
